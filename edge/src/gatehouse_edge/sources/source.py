"""One camera as the agent sees it: frames out of a decode child that may die, stall or lose its stream at any moment.

Live     the latest frame only; an outage is one SourceDown, then tries with growing, jittered waits and, for a decoder that
         keeps crashing, a restart budget; it never gives up and never raises.
Recorded every due frame in step with the consumer, the same frames on every run; an outage raises SourceFailedError.
Privacy  zones are overwritten here, in the agent, before a frame is handed to anybody: no decoder can leave them out.
Bounds   one child, three pictures of memory, one message on its way. A frame's pixels are the child's memory: valid until the
         next frame is asked for or, where its place is held, until that is released.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatehouse_edge.errors import ConfigError, SourceError
from gatehouse_edge.ports import Clock
from gatehouse_edge.sources.child import DECODER, DecodeChild
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.masking import PrivacyMask
from gatehouse_edge.sources.messages import (
    Ended,
    Failed,
    FromChild,
    Geometry,
    Hello,
    Open,
    Ready,
    Want,
)
from gatehouse_edge.sources.patience import Patience, Retry, Timeline
from gatehouse_edge.sources.slab import Slab, picture_bytes
from gatehouse_edge.sources.spec import SourceSpec, told_to_child, with_secrets
from gatehouse_edge.values import Frame, FrameKind, Place, SourceDown, SourceHealth

log = logging.getLogger(__name__)

SLICE_S = 0.25
RATE_WINDOW_S = 10.0
ENDED_EARLY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a source is opened with. `explain` makes the error a person reads out of a reason and a detail.

    `command` and `memory_mib`: the decode child, and its bound where it is not ours.
    """

    device: str
    spec: SourceSpec
    live: bool
    started_at: datetime
    scenes: str
    patience: Patience
    explain: Callable[[FailReason, str], SourceFailedError]
    command: Sequence[str] = DECODER
    memory_mib: int | None = None


class DecodedSource:
    """A FrameSource over a decode child. Made by `opening.open_source`; one consumer thread, `close` from any."""

    def __init__(self, setting: Setting, clock: Clock) -> None:
        self.device, self._setting, self._clock = setting.device, setting, clock
        self.on_down: Callable[[SourceDown], None] | None = None
        self._retry = Retry(setting.patience, random.random)
        self._mask = PrivacyMask(setting.spec.privacy)
        self._timeline = Timeline()
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._origin_s = time.monotonic()
        self._child: DecodeChild | None = None
        self._slab: Slab | None = None
        self._hello: Hello | None = None
        self._next_try_s = self._since_s = self._first_s = 0.0
        self._asked = self._down = self.ended = False
        self._failure: SourceFailedError | None = None
        self._seq, self._slot, self._index, self._last_at = 0, 0, -1, 0.0
        self._reconnects, self._restarts = 0, 0
        self._counted: deque[tuple[float, int]] = deque(maxlen=512)

    @property
    def pid(self) -> int | None:
        """The decode child's process id, None while there is none."""
        return self._child.pid if self._child else None

    @property
    def native_fps(self) -> float:
        """Frames a second that the source has by itself; 0 before it is open."""
        return self._hello.native_fps if self._hello else 0.0

    @property
    def failure(self) -> SourceFailedError | None:
        """The last failure, with its remedy; None when there was none."""
        return self._failure

    def frames(self) -> Iterator[Frame]:
        """Frames in order of `at`, until a recording ends or the source is closed.

        Raises SourceFailedError when a recording breaks. A live source goes on over outages and
        tells `on_down`, where one is set, of each.
        """
        while not (self.ended or self._closing.is_set()):
            got = self.read(1.0)
            if isinstance(got, Frame):
                yield got
            elif got is not None and self.on_down is not None:
                self.on_down(got)
        if self._failure is not None and not self._setting.live:
            raise self._failure

    def read(self, timeout_s: float) -> Frame | SourceDown | None:
        """The next frame within `timeout_s`, else None. SourceDown once when the source goes; `ended` says it is over."""
        deadline_s = time.monotonic() + timeout_s
        while not (self.ended or self._closing.is_set()):
            left_s = deadline_s - time.monotonic()
            with self._lock:
                got = self._turn(min(SLICE_S, max(0.0, left_s)))
            if got is not None or left_s <= 0:
                return got
        return None

    def health(self) -> SourceHealth:
        """State `ok` or `down`, rates over ten seconds, reconnects and decoder restarts so far."""
        rate = self._setting.spec.rate_fps
        native = self.native_fps
        return SourceHealth(
            device=self.device,
            state="down" if self._down or self._first_s == 0.0 else "ok",
            decoded_fps=self._decoded_fps(),
            target_fps=min(rate, native) if rate and native else rate or native,
            reconnects=self._reconnects,
            extra={"restarts": float(self._restarts)},
        )

    def close(self) -> None:
        """Ends the child; idempotent. A `read` in another thread returns within a quarter of a second."""
        self._closing.set()
        with self._lock:
            self._stop_child()

    def _turn(self, wait_s: float) -> Frame | SourceDown | None:
        """One step: start the child, or ask it, or hear it."""
        if self._child is None:
            pause_s = self._next_try_s - time.monotonic()
            if pause_s > 0:
                self._closing.wait(min(wait_s, pause_s))
                return None
            failed = self._start_child()
            if failed is not None:
                return failed
        self._ask()
        child = self._child
        message = child.receive(wait_s) if child else None
        if message is not None:
            return self._heard(message)
        limit_s = self._limit_s()
        if time.monotonic() - self._since_s <= limit_s:
            return None
        what = "no frame" if self._hello else "not open"
        return self._fail(FailReason.STALLED, f"{what} after {limit_s:.0f} s")

    def _limit_s(self) -> float:
        """How long silence is borne: slow sources are slow by right."""
        patience, hello = self._setting.patience, self._hello
        if hello is None:
            return patience.open_s
        slowest = min(hello.native_fps, self._setting.spec.rate_fps or hello.native_fps)
        return max(patience.stall_s, 3 / slowest)

    def _start_child(self) -> SourceDown | None:
        self._slab, self._hello, self._asked = Slab.create(), None, False
        self._timeline.restarted()
        self._since_s = time.monotonic()
        try:
            request = Open(
                spec=with_secrets(told_to_child(self._setting.spec), place=self.device),
                live=self._setting.live,
                origin_s=self._origin_s,
                stall_s=self._setting.patience.stall_s,
                slab_fd=self._slab.fd,
                scenes=self._setting.scenes,
            )
            setting = self._setting
            self._child = DecodeChild(request, setting.command, memory_mib=setting.memory_mib)
        except ConfigError as error:
            return self._fail(FailReason.CONFIGURATION, error.message)
        except OSError as error:
            never = isinstance(error, FileNotFoundError | PermissionError)
            reason = FailReason.CONFIGURATION if never else FailReason.CRASHED
            return self._fail(reason, f"the decoder cannot start: {error.strerror}")
        return None

    def _ask(self) -> None:
        """Lends a slot for the next frame, unless one is lent already."""
        if self._asked or self._child is None or self._slab is None:
            return
        slot = self._slab.next_slot(self._slot, again=self._setting.live)
        if slot is None:
            return
        self._seq, self._slot, self._asked = self._seq + 1, slot, True
        if self._hello is not None:
            self._since_s = time.monotonic()
        self._child.send(Want(self._seq, self._slot, self._slab.slot_bytes))

    def _heard(self, message: FromChild) -> Frame | SourceDown | None:
        match message:
            case Hello():
                self._hello, self._since_s = message, time.monotonic()
            case Geometry():
                return self._grow(message)
            case Ready():
                return self._frame(message)
            case Ended():
                self._finish()
            case Failed():
                return self._fail(message.reason, message.detail)
        return None

    def _grow(self, message: Geometry) -> SourceDown | None:
        if self._slab is None or self._hello is None or self._child is None:
            return self._fail(FailReason.CRASHED, "the decoder spoke out of turn")
        try:
            thermal = self._hello.thermal
            self._slab.grow(picture_bytes(message.height, message.width, thermal=thermal))
        except (SourceError, OSError) as error:
            return self._fail(FailReason.UNREADABLE, f"no room for its pictures: {error}")
        self._child.send(Want(self._seq, self._slot, self._slab.slot_bytes))
        return None

    def _frame(self, ready: Ready) -> Frame | SourceDown | None:
        slab, hello = self._slab, self._hello
        in_turn = self._asked and (ready.seq, ready.slot) == (self._seq, self._slot)
        if slab is None or hello is None or not in_turn:
            return self._fail(FailReason.CRASHED, "the decoder spoke out of turn")
        view = slab.thermal if hello.thermal else slab.colour
        try:
            pixels = view(ready.slot, ready.height, ready.width)
        except SourceError as error:
            return self._fail(FailReason.CRASHED, str(error))
        self._mask.hide(pixels)
        now_s = time.monotonic()
        self._asked = False
        self._back(now_s, ready.passed + 1)
        at, taken_at = self._times(ready, now_s)
        self._index, self._last_at = self._index + ready.passed + 1, at
        place = Place(slab, ready.slot, slab.offset(ready.slot))
        if not self._setting.live:
            self._ask()  # the child decodes the next one while the consumer works on this
        kind = FrameKind.THERMAL if hello.thermal else FrameKind.COLOUR
        return Frame(self.device, kind, self._index, at, taken_at, pixels, place)

    def _times(self, ready: Ready, now_s: float) -> tuple[float, datetime]:
        if not self._setting.live:
            return ready.at, self._setting.started_at + timedelta(seconds=ready.at)
        taken_s = min(ready.taken_s, now_s)
        age = timedelta(seconds=min(now_s - taken_s, RATE_WINDOW_S))
        return self._timeline.at(ready.at, taken_s), self._clock.now() - age

    def _back(self, now_s: float, pictures: int) -> None:
        """Counts; and says once that the source is back."""
        self._counted.append((now_s, pictures))
        if self._first_s == 0.0:
            self._first_s = now_s
        if self._down:
            self._down, self._reconnects = False, self._reconnects + 1
            log.info("camera %s is back", self.device)

    def _decoded_fps(self) -> float:
        now_s = time.monotonic()
        recent = [(at, n) for at, n in list(self._counted) if now_s - at <= RATE_WINDOW_S]
        span_s = now_s - recent[0][0] if recent else 0.0
        return sum(n for _, n in recent[1:]) / span_s if span_s > 0 else 0.0

    def _finish(self) -> None:
        """A recording is over. Says so when the header promised much more: the file is cut off or damaged."""
        hello = self._hello
        if hello is not None and hello.pictures and not self._setting.live:
            promised_s, got_s = (
                hello.pictures / hello.native_fps,
                self._last_at + 1 / hello.native_fps,
            )
            if got_s < promised_s * ENDED_EARLY:
                log.warning("%s ended after %.1f s of %.1f", self.device, got_s, promised_s)
        self.ended = True
        self._stop_child()

    def _fail(self, reason: FailReason, detail: str) -> SourceDown | None:
        """Ends the child and plans the next try; the first of a row of failures is told."""
        now_s = time.monotonic()
        ran_s = now_s - self._first_s if self._first_s else 0.0
        self._stop_child()
        self._first_s = 0.0
        failure = self._setting.explain(reason, detail)
        down = SourceDown(self.device, self._clock.now(), now_s - self._origin_s, failure.message)
        self._failure = failure
        if not self._setting.live:
            self.ended = True
            return down
        crashed = reason is FailReason.CRASHED
        self._restarts += crashed
        wait_s = self._retry.wait_s(now_s, crashed=crashed, ran_s=ran_s)
        if reason in {FailReason.CONFIGURATION, FailReason.REFUSED}:
            wait_s = max(wait_s, self._setting.patience.last_retry_s)
        self._next_try_s = now_s + wait_s
        if self._down:
            return None
        self._down = True
        log.warning("%s (trying again in %.0f s and on)", failure, wait_s)
        return down

    def _stop_child(self) -> None:
        if self._child is not None:
            self._child.close()
        if self._slab is not None:
            self._slab.close()
        self._child, self._slab, self._asked = None, None, False
