"""The inference slots of a gateway, shared between its cameras: threads take the frame whose turn it is (see `inference.turns`).

A camera offers its newest frame and goes on; one that still waits when the next is offered is skipped and counted. A frame's slot
in the decoder's memory is held until it was looked at or skipped.
Failing  a camera whose look fails is left alone for 1 s, doubling to a minute, said once when it goes and once when it is back.
Bounds   one frame under way and one that waits for each camera; as many threads as slots.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gatehouse_edge.errors import EdgeError
from gatehouse_edge.inference.turns import Seat, Wish, new_seat, next_turn
from gatehouse_edge.pipeline import Look
from gatehouse_edge.ports import Clock
from gatehouse_edge.rules.observations import Observation, SourceUp
from gatehouse_edge.values import Frame

AGAIN_S = 1.0
AGAIN_MOST_S = 60.0
LEAVE_S = 30.0
"""How long one who leaves waits for its last look: longer than a hung model is borne."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Guest:
    """One camera at the desk. `frame` waits; `failing` is the reason of the last failure, if it was one."""

    look: Callable[[Frame], None]
    frame: Frame | None = None
    skipped: int = 0
    failing: str = ""
    wait_s: float = AGAIN_S
    free_at: float = float("-inf")


class LookDesk:
    """`slots` threads and the cameras that share them. Safe to call from any thread."""

    def __init__(self, slots: int, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._offered, self._finished = (
            threading.Condition(self._turn),
            threading.Condition(self._turn),
        )
        self._seats: dict[str, Seat] = {}
        self._guests: dict[str, _Guest] = {}
        self._closing = False
        self._given = 0
        self._threads = [
            threading.Thread(target=self._serve, name=f"look-{n}", daemon=True)
            for n in range(slots)
        ]
        for thread in self._threads:
            thread.start()

    def join(self, camera: str, wish: Wish, look: Callable[[Frame], None]) -> None:
        """A camera comes. `look` is called with its frames, one at a time, from the desk's threads."""
        with self._turn:
            self._seats[camera] = new_seat(wish, self._clock.monotonic_s())
            self._guests[camera] = _Guest(look)

    def offer(self, camera: str, frame: Frame) -> None:
        """This is the camera's newest frame. Returns at once."""
        if frame.place is not None:
            frame.place.memory.hold(frame.place.slot)
        with self._turn:
            guest, now = self._guests[camera], self._clock.monotonic_s()
            old: Frame | None = frame
            if now >= guest.free_at:
                old, guest.frame = guest.frame, frame
                self._seats[camera] = self._seats[camera].offered(now)
                self._offered.notify()
            guest.skipped += old is not None
        _let_go(old)

    def awaited(self, camera: str) -> bool:
        """Whether a frame of the camera waits or is being looked at."""
        with self._turn:
            seat = self._seats[camera]
            return seat.waits or seat.looking

    def skipped(self, camera: str) -> int:
        """Frames that were offered and never looked at, so far."""
        with self._turn:
            return self._guests[camera].skipped

    def leave(self, camera: str) -> None:
        """The camera goes; its waiting frame is dropped, the one under way is waited for. Idempotent."""
        with self._turn:
            guest = self._guests.get(camera)
            if guest is None:
                return
            dropped, guest.frame = guest.frame, None
            self._seats[camera] = self._seats[camera].dropped()
            self._finished.wait_for(lambda: not self._seats[camera].looking, LEAVE_S)
            del self._guests[camera], self._seats[camera]
        _let_go(dropped)

    def close(self) -> None:
        """Ends the threads; what waits is dropped. Idempotent."""
        with self._turn:
            self._closing = True
            self._offered.notify_all()
        for thread in self._threads:
            thread.join(timeout=5.0)

    def _serve(self) -> None:
        while (taken := self._next()) is not None:
            camera, guest, frame = taken
            reason = _looked(guest, frame, camera)
            _let_go(frame)
            with self._turn:
                if self._guests.get(camera) is guest:
                    self._seats[camera] = self._seats[camera].done()
                    self._settle(camera, guest, reason)
                self._finished.notify_all()

    def _next(self) -> tuple[str, _Guest, Frame] | None:
        """The next frame, waited for; None at the end."""
        with self._turn:
            while not self._closing:
                now = self._clock.monotonic_s()
                turn = next_turn(self._seats, now)
                if turn is None:
                    self._offered.wait()
                    continue
                guest = self._guests[turn.camera]
                frame, guest.frame = guest.frame, None
                assert frame is not None, "a seat that waits has a frame"
                self._given += 1
                self._seats[turn.camera] = self._seats[turn.camera].taken(now, self._given)
                return turn.camera, guest, frame
        return None

    def _settle(self, camera: str, guest: _Guest, reason: str) -> None:
        """Says and plans what comes of a look that failed, or of the first that did not."""
        if not reason:
            if guest.failing:
                log.info("camera %s is looked at again", camera)
            guest.failing, guest.wait_s = "", AGAIN_S
            return
        if reason != guest.failing:
            log.warning("camera %s is not looked at: %s; trying again", camera, reason)
        guest.skipped += 1 + (guest.frame is not None)
        _let_go(guest.frame)
        guest.frame, self._seats[camera] = None, self._seats[camera].dropped()
        guest.failing = reason
        guest.free_at = self._clock.monotonic_s() + guest.wait_s
        guest.wait_s = min(2 * guest.wait_s, AGAIN_MOST_S)


class SharedSight:
    """A Sight of one camera whose looks take turns with those of others. `tell` gets its tracks, from the desk's threads."""

    def __init__(
        self,
        look: Look,
        desk: LookDesk,
        camera: str,
        wish: Wish,
        tell: Callable[[Observation], None],
    ) -> None:
        self._look, self._desk, self._camera, self._tell = look, desk, camera, tell
        desk.join(camera, wish, self._turn)

    @property
    def looked(self) -> int:
        """Frames that were looked at so far: by the model, or by the gate where nothing moved."""
        return self._look.inferred + self._look.answered

    @property
    def skipped(self) -> int:
        """Frames that were due and not looked at, so far."""
        return self._desk.skipped(self._camera)

    def see(self, frame: Frame) -> tuple[Observation, ...]:
        """What can be said at once; the tracks of a frame that the model should see follow when its turn has come."""
        glance = self._look.glance(frame, awaited=self._desk.awaited(self._camera))
        if not glance.wanted:
            return glance.said
        self._desk.offer(self._camera, frame)
        return (*glance.said, SourceUp(frame.device))

    def close(self) -> None:
        """Leave the desk, and let go of the model; idempotent."""
        self._desk.leave(self._camera)
        self._look.close()

    def _turn(self, frame: Frame) -> None:
        self._tell(self._look.look(frame))


def _looked(guest: _Guest, frame: Frame, camera: str) -> str:
    """One look; the reason when it failed."""
    try:
        guest.look(frame)
    except EdgeError as error:
        return str(error)
    except Exception as error:  # the top of this thread: a camera's fault is never the agent's
        log.exception("camera %s", camera)
        return f"{type(error).__name__} in the agent"
    return ""


def _let_go(frame: Frame | None) -> None:
    if frame is not None and frame.place is not None:
        frame.place.memory.release(frame.place.slot)
