"""What a camera needs to see: gate, model and tracker, or for a thermal camera its zones. Needs the `[vision]` extra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from gatehouse_edge.app.watchers import watchers_for
from gatehouse_edge.config import Config
from gatehouse_edge.gate.motion import MotionGate
from gatehouse_edge.inference.catalogue import is_reviewed
from gatehouse_edge.inference.detector import ChildDetector, open_detector
from gatehouse_edge.inference.runtimes import find_runtime
from gatehouse_edge.inference.thermal import Thermometer
from gatehouse_edge.inference.tiled import TiledDetector
from gatehouse_edge.inference.tiling import Tiles
from gatehouse_edge.pipeline import Look
from gatehouse_edge.ports import Detector, Gate, Sight
from gatehouse_edge.rules.build import views_of
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_edge.tracking.parameters import parameters_for
from gatehouse_edge.tracking.patches import held
from gatehouse_edge.tracking.table import HITS, LAST_AT, Moment, Patch, TrackerState
from gatehouse_edge.tracking.tracker import Tracker
from gatehouse_edge.values import Detection, Frame, Tracks
from gatehouse_shared.names import DeviceKind
from gatehouse_shared.site import Site
from gatehouse_shared.states import ModelState
from gatehouse_shared.wire import sha256_hex


class CameraTracker:
    """A tracker with the memory of one camera. `seed` makes its ids; they leave neither the camera nor the process.

    `patches`: asked after each look for the parts of the picture that are not looked at closely in every look.
    """

    def __init__(
        self, tracker: Tracker, seed: int, patches: Callable[[], tuple[Patch, ...]] = tuple
    ) -> None:
        self._tracker, self._seed, self._patches = tracker, seed, patches
        self._state = TrackerState(seed)

    @property
    def alive(self) -> bool:
        """Whether something is followed, confirmed or not."""
        return len(self._state.table) > 0

    @property
    def settled(self) -> bool:
        """Whether all that is followed is confirmed and was found in the last look."""
        state = self._state
        sure = state.table[HITS] >= self._tracker.parameters.confirm_hits
        found = (state.table[LAST_AT] == state.at) | held(state.table, self._patches())
        return bool((sure & found).all())

    def follow(self, detections: tuple[Detection, ...], frame: Frame) -> Tracks:
        """The tracks after one inferred frame. A camera that came back with an earlier media time starts afresh."""
        if self._state.at is not None and frame.at <= self._state.at:
            self._state = TrackerState(self._seed)
        height, width = frame.pixels.shape[:2]
        patches = self._patches()
        moment = Moment(frame.device, frame.at, frame.time, width, height, patches)
        self._state, tracks = self._tracker.step(self._state, detections, moment)
        return tracks


@dataclass(slots=True)
class Models:
    """Models in use, one process for each, shared by its cameras, kept until `close`.

    `seed` makes seeds for trackers, `gate` the gate of a camera. `threads`: frames that a model works on at once, one a core
    where it is not said. `recorded`: what is looked at is a recording, whatever the camera's own source is.
    """

    config: Config
    seed: Callable[[], int]
    gate: Callable[[], Gate] = MotionGate
    threads: int | None = None
    recorded: bool = False
    _open: dict[_Use, ChildDetector] = field(default_factory=dict["_Use", ChildDetector])
    _states: dict[_Use, ModelState] = field(default_factory=dict["_Use", ModelState])

    def sight(self, device: str, model: str, rate_fps: float) -> Sight:
        """The sight of one camera. Raises ModelError and ConfigError."""
        if self.config.kind(device) is DeviceKind.THERMAL:
            return thermometer(self.config, device)
        settings = self.config.file.cameras[device]
        place = list(self.config.file.cameras).index(device)
        single = self._detector(model, settings.runtime, rate_fps).for_camera(place)
        detector, patches = _with_tiles(self.config, device, single)
        tracker = CameraTracker(Tracker(parameters_for(single.scores)), self.seed(), patches)
        watchers = watchers_for(self.config, device, recorded=self.recorded)
        faster = any(watcher.least_fps > rate_fps for watcher in watchers)
        return Look(self.gate(), detector, tracker, watchers, rate_fps=rate_fps if faster else None)

    def states(self) -> tuple[ModelState, ...]:
        """What the birth says of the models in use."""
        return tuple(dict.fromkeys(self._states.values()))

    def close(self) -> None:
        """End the models' processes once no camera uses them; idempotent."""
        for detector in self._open.values():
            detector.close()

    def _detector(self, model: str, runtime: str | None, rate_fps: float) -> ChildDetector:
        use = (model, runtime)
        if use not in self._open:
            name = str(self.config.path(model)) if model.endswith((".yaml", ".yml")) else model
            runs = find_runtime(runtime, self.config.file.inference.runtimes)
            detector = open_detector(
                name, interval_s=1.0 / rate_fps, runtime=runs, threads=self.threads
            )
            self._open[use], self._states[use] = detector, _state(detector)
        return self._open[use]


_Use = tuple[str, str | None]
"""A model and who runs it."""


def _with_tiles(
    config: Config, device: str, detector: ChildDetector
) -> tuple[Detector, Callable[[], tuple[Patch, ...]]]:
    """The detector as the camera's settings want it, and what its tracker asks. The same process either way."""
    if config.file.cameras[device].tiles is not Tiles.AUTO:
        return detector, tuple
    tiled = TiledDetector(detector, views_of(config.site, config.file.gateway, device))
    return tiled, tiled.patches


def source_for(spec: SourceSpec, sight: Sight) -> SourceSpec:
    """The source at the rate that a sight needs: that of its looks, or the greater one of its watchers. All frames stay all."""
    if spec.rate_fps is None or not isinstance(sight, Look):
        return spec
    return msgspec.structs.replace(spec, rate_fps=max(spec.rate_fps, sight.least_fps))


def thermometer(config: Config, device: str) -> Thermometer:
    """The zones of a thermal camera and what is known of its temperatures."""
    return Thermometer(
        device,
        zone_polygons(config.site, device),
        ambient_c=config.file.cameras[device].ambient_c,
        absolute=not config.source(device).uncalibrated,
    )


def zone_polygons(site: Site, device: str) -> dict[str, tuple[tuple[float, float], ...]]:
    """The zones that a device sees, in fractions of its frame."""
    return {view.zone: tuple(view.polygon) for view in site.views if view.device == device}


def _state(detector: ChildDetector) -> ModelState:
    """Name and hash of a model; of one without a file (motion), the hash of its name."""
    manifest = detector.manifest
    used = detector.file
    sha256 = used.sha256 if used is not None else sha256_hex(manifest.name.encode())
    name = manifest.name[:32]
    return ModelState(
        name=name, sha256=sha256, reviewed="reviewed" if is_reviewed(manifest) else "unreviewed"
    )
