"""The cameras of a running agent: a thread each, which tells what it sees and never ends the agent.

A camera that fails is told as down and tried again after 1 s, doubling to a minute; the source itself goes on over outages of
its own. Needs the `[vision]` extra; a gateway without cameras never imports this.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gatehouse_edge.app.sight import Models
from gatehouse_edge.config import Config
from gatehouse_edge.errors import EdgeError
from gatehouse_edge.pipeline import Look, watch
from gatehouse_edge.ports import Clock, Sight
from gatehouse_edge.rules.observations import Observation
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.source import DecodedSource
from gatehouse_edge.values import Frame, SourceDown, SourceHealth
from gatehouse_shared.names import DeviceKind
from gatehouse_shared.states import ModelState

AGAIN_S = 1.0
AGAIN_MOST_S = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Camera:
    thread: threading.Thread | None = None
    source: DecodedSource | None = None
    sight: Sight | None = None
    inferred: int = 0
    asked_s: float = 0.0


class Cameras:
    """All cameras of one gateway. `tell` is called from their threads and must only queue."""

    def __init__(self, config: Config, clock: Clock, tell: Callable[[Observation], None]) -> None:
        self._config, self._clock, self._tell = config, clock, tell
        self._models = Models(config, seed=lambda: secrets.randbits(32))
        self._opening = threading.Lock()
        self._stopping = threading.Event()
        self._cameras = {device: _Camera() for device in config.file.cameras}
        self._states: tuple[ModelState, ...] = ()

    def start(self) -> None:
        """A thread for each camera."""
        for device, camera in self._cameras.items():
            camera.asked_s = self._clock.monotonic_s()
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
            watch(camera.source, camera.sight, self._told)
        except EdgeError as error:
            return str(error)
        except Exception as error:  # the top of this thread: a camera's fault is never the agent's
            log.exception("camera %s", device)
            return f"{type(error).__name__} in the agent"
        finally:
            self._close(camera)
        return "the source ended"

    def _told(self, _frame: Frame, observations: tuple[Observation, ...]) -> None:
        for observation in observations:
            self._tell(observation)

    def _open(self, device: str, camera: _Camera) -> None:
        settings = self._config.file.cameras[device]
        spec = self._config.source(device)
        source = open_source(device, spec, live=True, clock=self._clock, seeds=self._config.seeds)
        source.on_down = self._tell
        camera.source = source
        with self._opening:
            camera.sight = self._models.sight(
                device, settings.model, spec.rate_fps or settings.rate_fps
            )
            self._states = self._models.states()
        camera.inferred = 0

    def _close(self, camera: _Camera) -> None:
        if camera.source is not None:
            camera.source.close()
        if camera.sight is not None:
            camera.sight.close()
        camera.source = camera.sight = None

    def _health_of(self, device: str, camera: _Camera) -> SourceHealth:
        now_s = self._clock.monotonic_s()
        passed_s, camera.asked_s = max(now_s - camera.asked_s, 1e-3), now_s
        source, sight = camera.source, camera.sight
        if source is None:
            return SourceHealth(device, "down")
        health = source.health()
        thermal = self._config.kind(device) is DeviceKind.THERMAL
        inferred = sight.inferred - camera.inferred if isinstance(sight, Look) else 0
        camera.inferred += inferred
        rate = health.decoded_fps if thermal else inferred / passed_s
        return SourceHealth(
            device, health.state, health.decoded_fps, rate, health.target_fps, health.reconnects
        )
