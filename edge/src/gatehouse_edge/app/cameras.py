"""The cameras of a running agent: a thread each, which tells what it sees and never ends the agent.

Looks    wait their turn at one desk for all cameras (see `looks`), as many at once as `inference.threads` says. What is skipped
         for want of time shows in the camera's health, and the rate that is left is told to the rules once a second.
Failing  a camera that fails is told as down and tried again after 1 s, doubling to a minute; the source itself goes on over
         outages of its own.

Needs the `[vision]` extra; a gateway without cameras never imports this.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2

from gatehouse_edge.app.looks import LookDesk, SharedSight
from gatehouse_edge.app.plate_makers import PlateMakers
from gatehouse_edge.app.rates import Counted, RateMeter
from gatehouse_edge.app.sight import Models, source_for
from gatehouse_edge.config import Config
from gatehouse_edge.errors import EdgeError
from gatehouse_edge.inference.process import cores
from gatehouse_edge.inference.turns import Wish
from gatehouse_edge.pipeline import Look, watch
from gatehouse_edge.ports import Clock, Sight
from gatehouse_edge.rules.observations import Looked, Observation
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.patience import Patience
from gatehouse_edge.sources.source import DecodedSource
from gatehouse_edge.values import Frame, SourceDown, SourceHealth
from gatehouse_shared.states import ModelState

AGAIN_S = 1.0
AGAIN_MOST_S = 60.0
SKIPS_SAID = 0.8
"""A camera of which less is looked at is said in the log, and once when it is well again."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Camera:
    wish: Wish
    meter: RateMeter
    thread: threading.Thread | None = None
    source: DecodedSource | None = None
    sight: Sight | None = None
    counted: Counted = field(default_factory=Counted)
    short: bool = False


class Cameras:
    """All cameras of one gateway. `tell` is called from their threads and must only queue."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        tell: Callable[[Observation], None],
        patience: Patience | None = None,
    ) -> None:
        self._config, self._clock, self._tell = config, clock, tell
        self._patience = patience
        cv2.setNumThreads(1)  # a thread a camera is enough for small pictures
        threads = config.file.inference.threads or cores()
        self._models = Models(config, seed=lambda: secrets.randbits(32), threads=threads)
        self._desk = LookDesk(threads, clock)
        self._opening = threading.Lock()
        self._stopping = threading.Event()
        self._cameras = {device: _camera(config, device) for device in config.file.cameras}
        self._states: tuple[ModelState, ...] = ()
        self.plates = PlateMakers(config)

    def start(self) -> None:
        """A thread for each camera."""
        for device, camera in self._cameras.items():
            camera.thread = threading.Thread(
                target=self._run, args=(device, camera), name=f"camera-{device}", daemon=True
            )
            camera.thread.start()

    def models(self) -> tuple[ModelState, ...]:
        """The models in use by now."""
        return self._states

    def health(self) -> tuple[SourceHealth, ...]:
        """How each camera did since the last call."""
        return tuple(self._health_of(device, camera) for device, camera in self._cameras.items())

    def close(self) -> None:
        """End all threads and their processes; idempotent."""
        self._stopping.set()
        for camera in self._cameras.values():
            if camera.source is not None:
                camera.source.close()
        for camera in self._cameras.values():
            if camera.thread is not None:
                camera.thread.join(timeout=5.0)
        self._desk.close()
        self._models.close()

    def _run(self, device: str, camera: _Camera) -> None:
        wait_s, said = AGAIN_S, ""
        while not self._stopping.is_set():
            began_s = self._clock.monotonic_s()
            reason = self._watch(device, camera)
            if self._stopping.is_set():
                return
            if self._clock.monotonic_s() - began_s > AGAIN_MOST_S:
                wait_s, said = AGAIN_S, ""
            if reason != said:
                log.warning("camera %s: %s; trying again", device, reason)
                said = reason
            now = (self._clock.now(), self._clock.monotonic_s())
            self._tell(SourceDown(device, now[0], now[1], reason))
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, AGAIN_MOST_S)

    def _watch(self, device: str, camera: _Camera) -> str:
        """Watch until it ends or fails; why."""
        try:
            self._open(device, camera)
            assert camera.source is not None
            assert camera.sight is not None
            watch(camera.source, camera.sight, lambda frame, said: self._told(camera, frame, said))
        except EdgeError as error:
            return str(error)
        except Exception as error:  # the top of this thread: a camera's fault is never the agent's
            log.exception("camera %s", device)
            return f"{type(error).__name__} in the agent"
        finally:
            self._close(camera)
        return "the source ended"

    def _told(self, camera: _Camera, frame: Frame, said: tuple[Observation, ...]) -> None:
        for observation in said:
            self._tell(observation)
        self.plates.note(frame, said)
        source, sight = camera.source, camera.sight
        if source is None or not isinstance(sight, SharedSight):
            return
        rate = camera.meter.tell(self._clock.monotonic_s(), _counted(sight))
        if rate is None:
            return
        native_fps = source.native_fps
        floor_fps = min(camera.wish.floor_fps, native_fps or camera.wish.floor_fps)
        self._tell(Looked(frame.device, frame.at, frame.time, rate.looked_fps, floor_fps))
        if camera.short is not (rate.ratio < SKIPS_SAID):
            camera.short = not camera.short
            what = "is looked at less than it should be" if camera.short else "keeps its rate again"
            log.warning("camera %s %s: %.1f a second", frame.device, what, rate.looked_fps)

    def _looked(self, said: Observation) -> None:
        """From the threads that look."""
        self.plates.seen(said)
        self._tell(said)

    def _open(self, device: str, camera: _Camera) -> None:
        model, spec = self._config.file.cameras[device].model, self._config.source(device)
        with self._opening:
            sight = self._models.sight(device, model, camera.wish.rate_fps)
            self._states = self._models.states()
        if isinstance(sight, Look):
            spec = source_for(spec, sight)
            sight = SharedSight(sight, self._desk, device, camera.wish, self._looked)
        camera.sight = sight
        camera.source = open_source(
            device,
            spec,
            live=True,
            clock=self._clock,
            seeds=self._config.seeds,
            patience=self._patience,
        )
        camera.source.on_down = self._tell

    def _close(self, camera: _Camera) -> None:
        if camera.source is not None:
            camera.source.close()
        if camera.sight is not None:
            camera.sight.close()
        camera.source = camera.sight = None

    def _health_of(self, device: str, camera: _Camera) -> SourceHealth:
        source, sight = camera.source, camera.sight
        if source is None or sight is None:
            return SourceHealth(device, "down")
        health = source.health()
        if not isinstance(sight, SharedSight):
            return replace(health, looked_ratio=1.0)
        counted = _counted(sight)
        fresh, camera.counted = counted.since(camera.counted), counted
        extra = {**health.extra, "skipped": float(fresh.skipped)}
        return replace(health, looked_ratio=fresh.ratio, extra=extra)


def _camera(config: Config, device: str) -> _Camera:
    settings = config.file.cameras[device]
    rate_fps = config.source(device).rate_fps or settings.rate_fps
    wish = Wish(rate_fps, settings.floor_of(rate_fps), settings.priority)
    return _Camera(wish, RateMeter(wish.floor_fps))


def _counted(sight: SharedSight) -> Counted:
    return Counted(sight.looked, sight.skipped)
