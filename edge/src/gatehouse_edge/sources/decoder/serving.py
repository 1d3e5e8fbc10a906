"""Hands pictures to the agent: every due one in step when recorded, only the latest when live."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from gatehouse_edge.sources.decoder.channel import Channel
from gatehouse_edge.sources.decoder.reader import Pixels, Reader
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.messages import (
    MAX_PIXELS,
    MAX_SIDE_PX,
    Ended,
    Geometry,
    Hello,
    Ready,
    Want,
)
from gatehouse_edge.sources.slab import Slab, picture_bytes

MAX_BEHIND_S = 2.0
MAX_DRAIN_S = 3.0
GREET_EVERY_S = 1.0
ROUNDING_S = 1e-6


class Due:
    """Which pictures are due at `rate_fps`: the first of each 1 / rate_fps seconds of media time. Without a rate, all."""

    def __init__(self, rate_fps: float | None) -> None:
        self._rate_fps, self._taken = rate_fps, -1

    def at(self, at_s: float) -> bool:
        """Whether a picture of this time is due."""
        return self._rate_fps is None or self._span(at_s) > self._taken

    def take(self, at_s: float) -> None:
        """The picture of this time was taken."""
        self._taken = self._span(at_s)

    def _span(self, at_s: float) -> int:
        return math.floor((at_s + ROUNDING_S) * (self._rate_fps or 0.0))


class Serving:
    """One reader, one agent."""

    def __init__(self, channel: Channel, reader: Reader) -> None:
        self._channel, self._reader, self._slab = channel, reader, Slab(channel.open.slab_fd)
        self._spec = channel.open.spec
        self._due = Due(self._spec.rate_fps)
        self._passed = self._sent = 0
        self._hello = Hello(reader.thermal, reader.native_fps, reader.pictures)
        self._said_s = 0.0

    def run(self) -> None:
        """Serves until the source ends. Raises SourceFailedError when it breaks."""
        self._greet()
        if self._channel.open.live:
            self._live()
        else:
            self._recorded()
        self._channel.say(Ended(self._sent))

    def _greet(self) -> None:
        self._said_s = time.monotonic()
        self._channel.say(self._hello)

    def _next(self) -> float | None:
        """Steps to the next picture; what the reader let go is counted."""
        at = self._reader.grab()
        self._passed += self._reader.passed
        return at

    def _before_start(self, at: float) -> bool:
        """Whether `start_s` is still ahead. A long way there takes a while, so the agent hears that it goes on."""
        ahead = at + ROUNDING_S < self._spec.start_s
        if ahead and time.monotonic() - self._said_s >= GREET_EVERY_S:
            self._greet()
        return ahead

    def _recorded(self) -> None:
        """Every due picture, each as soon as the agent has room. Looping would never end, so it is not done."""
        while (at := self._next()) is not None:
            if self._before_start(at) or not self._due.at(at):
                self._passed += 1
                continue
            want = self._channel.want()
            if want is not None:
                self._due.take(at)
                self._deliver(want, at, time.monotonic())

    def _live(self) -> None:
        """The picture of the moment, if the agent wants one; the others are let go unconverted."""
        for at, grabbed_s, patience_s in self._paced():
            want = self._channel.want(patience_s) if self._due.at(at) else None
            if want is None:
                self._passed += 1
                continue
            self._due.take(at)
            self._deliver(want, at, grabbed_s)

    def _paced(self) -> Iterator[tuple[float, float, float]]:
        """(media time, monotonic instant, how long the picture stays the latest) of each picture at its moment."""
        if self._reader.device:
            self._drain()
            while (at := self._next()) is not None:
                yield at, time.monotonic(), 0.0
            raise SourceFailedError(FailReason.LOST, "the stream ended")
        period_s, zero_s = 1 / self._reader.native_fps, None
        for at in self._rounds():
            now = time.monotonic()
            if zero_s is None:
                zero_s = now - at
            if now - (zero_s + at) > MAX_BEHIND_S:
                zero_s = now - at  # too slow to keep up: go on from here instead of racing
            self._channel.sleep_until(zero_s + at)
            now = time.monotonic()
            yield at, now, max(0.0, zero_s + at + period_s - now)

    def _drain(self) -> None:
        """Lets go of what piled up while the stream was analysed: those pictures are seconds old and come in a burst."""
        fresh_s, deadline_s = 0.5 / self._reader.native_fps, time.monotonic() + MAX_DRAIN_S
        while (began_s := time.monotonic()) < deadline_s:
            if self._next() is None or time.monotonic() - began_s >= fresh_s:
                return

    def _rounds(self) -> Iterator[float]:
        """Media times of a recording, from `start_s`, over and over when it loops."""
        before_s, looping = 0.0, True
        while looping:
            last = before_s
            while (at := self._next()) is not None:
                last = before_s + at
                if not self._before_start(last):
                    yield last
            looping = self._spec.loop
            if looping:
                self._reader.rewind()
                before_s = last + 1 / self._reader.native_fps

    def _deliver(self, want: Want, at: float, grabbed_s: float) -> None:
        """Puts the present picture into the lent slot, asking for a larger one where it does not fit."""
        self._slab.attach(want.slot_bytes)
        slot = self._slot(want, *self._reader.size)
        pixels = self._reader.picture(slot)
        height, width = self._reader.size
        if max(height, width) > MAX_SIDE_PX or height * width > MAX_PIXELS:
            raise SourceFailedError(FailReason.UNREADABLE, f"{width}x{height} pixels are too many")
        while pixels is not slot:
            slot = self._slot(want, height, width)
            if slot is not None:
                np.copyto(slot, pixels)
                break
            want = self._larger(want, height, width)
        self._channel.say(Ready(want.seq, want.slot, height, width, at, grabbed_s, self._passed))
        self._passed, self._sent = 0, self._sent + 1

    def _larger(self, want: Want, height: int, width: int) -> Want:
        """Asks for room. Raises SourceFailedError when the agent answers with less."""
        self._channel.say(Geometry(want.seq, height, width))
        larger = self._channel.want()
        needed = picture_bytes(height, width, thermal=self._reader.thermal)
        if larger is None or larger.slot_bytes < needed:
            raise SourceFailedError(FailReason.UNREADABLE, f"no room for {width}x{height} pixels")
        self._slab.attach(larger.slot_bytes)
        return larger

    def _slot(self, want: Want, height: int, width: int) -> Pixels | None:
        """The lent memory as a picture of this size; None when it is too small."""
        thermal = self._reader.thermal
        if picture_bytes(height, width, thermal=thermal) > want.slot_bytes or not height * width:
            return None
        if thermal:
            return self._slab.thermal(want.slot, height, width)
        return self._slab.colour(want.slot, height, width)
