"""One simulated gateway as the broker and the hub see it: rows in, messages out, acks and requests answered. Pure.

Source  contract, sections 1 and 2: birth every BIRTH_S until an ack names its boot, bulk waits while an alarm waits, `time` is
        answered by its own clock, which may be wrong. What it does not do: keep acked rows for a hub that was restored.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from gatehouse_hub.simulate.lane import SimLane
from gatehouse_hub.simulate.life import Life
from gatehouse_hub.simulate.places import Plot
from gatehouse_hub.simulate.trouble import Trouble, draw_skew_s
from gatehouse_hub.simulate.truth import LaneTruth
from gatehouse_shared.commands import REQUESTS, Ack, Response, TimeRequest, TimeResponse
from gatehouse_shared.errors import WireError
from gatehouse_shared.events import ClockState, Data, HazardData
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import Lane, Phase
from gatehouse_shared.states import WIRE_MINOR, Birth, Death, EpochMark
from gatehouse_shared.wire import build_event, decode, encode, sha256_hex

BIRTH_S: Final = 30.0
LINGER_S: Final = 1.0
"""A bulk row waits so long for others to make a message with."""


@dataclass(frozen=True, slots=True)
class Out:
    """A message to publish under `up/`."""

    leaf: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What all gateways of a fleet have in common."""

    batch: int = 50
    alarms: float = 0.05
    trouble: Trouble = field(default_factory=Trouble)


class SimGateway:
    """State of one gateway. `now_s` is monotonic; `time` is the true time."""

    def __init__(self, plot: Plot, seed: str, habits: Habits) -> None:
        self.plot, self._habits = plot, habits
        self.random = Random(f"{seed}/{plot.gateway}")  # noqa: S311 - a simulation
        life = Random(f"{seed}/{plot.gateway}/life")  # noqa: S311 - a simulation
        self._life = Life(plot, life)
        self.epoch = secrets.token_hex(8)  # as of an outbox file: never the same twice
        self.skew = timedelta(seconds=draw_skew_s(self.random, habits.trouble))
        unsynced = self.random.random() < habits.trouble.unsynced
        self._clock = ClockState.UNSYNCED if unsynced else ClockState.SYNCED
        self.lanes = {lane: SimLane(lane, self.random.random) for lane in Lane}
        self.truth = {lane: LaneTruth() for lane in Lane}
        self.refused = 0
        self.conn = 0
        self._restart()

    def restart(self) -> None:
        """The process begins anew over the same outbox."""
        self._restart()
        self._life.forget()

    def produce(self, now_s: float, time: datetime) -> None:
        """Something happens: one row more in the outbox."""
        alarm = self.random.random() < self._habits.alarms
        lane = self.lanes[Lane.ALARM if alarm else Lane.BULK]
        data = self._life.next_alarm(lane.last + 1) if alarm else self._life.next_bulk()
        if lane.sent == lane.last and not alarm:
            self._lingers_until_s = now_s + LINGER_S
        raw = self._encode(data, lane, time)
        if not lane.add(raw):
            self.refused += 1
            return
        raised = isinstance(data, HazardData) and data.phase is Phase.RAISED
        self.truth[lane.lane].add(sha256_hex(raw), raised=raised)

    def will(self) -> bytes:
        """What the broker says when the next connection ends without goodbye."""
        return encode(Death(boot=self.boot, conn=self.conn + 1))

    def connect(self, now_s: float) -> list[Out]:
        """A connection is up: its birth."""
        self.conn += 1
        for lane in self.lanes.values():
            lane.start_over()
        self._known = False
        return [self._birth(now_s)]

    def due(self, now_s: float) -> Iterator[Out]:
        """What is to be sent now, alarms first."""
        if not self._known and now_s >= self._born_s + BIRTH_S:
            yield self._birth(now_s)
        for lane in self.lanes.values():
            lane.lose_patience(now_s)
        alarms, bulk = self.lanes[Lane.ALARM], self.lanes[Lane.BULK]
        yield from self._messages(alarms, now_s)
        if alarms.acked == alarms.last and self._is_ready(bulk, now_s):
            yield from self._messages(bulk, now_s)

    def next_due_s(self) -> float:
        """When `due` may have something again, unless a row or a message comes before."""
        times = [lane.due_s for lane in self.lanes.values() if lane.due_s is not None]
        if not self._known:
            times.append(self._born_s + BIRTH_S)
        if self.lanes[Lane.BULK].sent < self.lanes[Lane.BULK].last:
            times.append(self._lingers_until_s)
        return min(times, default=float("inf"))

    def take(self, leaf: str, payload: bytes, now_s: float, time: datetime) -> list[Out]:
        """A message under `down/` came. What is no part of version 1 is left alone."""
        try:
            if leaf == "ack":
                self._take_ack(decode(payload, Ack), now_s)
                return list(self.due(now_s))
            if leaf == "request/time":
                return [self._answer_time(decode(payload, TimeRequest), now_s, time)]
            if leaf.startswith("request/"):
                return self._obey(leaf.removeprefix("request/"), payload)
        except WireError:
            self.refused += 1
        return []

    @property
    def waiting(self) -> int:
        """Rows that are not acked."""
        return sum(lane.last - lane.acked for lane in self.lanes.values())

    def _restart(self) -> None:
        self.boot = self.random.randbytes(8).hex()
        self.conn = 0
        self._began_s: float | None = None
        self._born_s = float("-inf")
        self._lingers_until_s = float("-inf")
        self._known = False

    def _birth(self, now_s: float) -> Out:
        self._born_s = now_s
        self._began_s = now_s if self._began_s is None else self._began_s
        birth = Birth(
            boot=self.boot,
            conn=self.conn,
            wire=WIRE_MINOR,
            epochs=(
                EpochMark(
                    epoch=self.epoch,
                    alarm_last=self.lanes[Lane.ALARM].last,
                    bulk_last=self.lanes[Lane.BULK].last,
                ),
            ),
            software="1.0.0",
            config_version=1,
            model=(),
            plugins=(),
            clock=self._clock,
        )
        return Out("state", encode(birth), retain=True)

    def _messages(self, lane: SimLane, now_s: float) -> Iterator[Out]:
        for payload in lane.take(now_s, self._habits.batch):
            yield Out(lane.lane.value, payload)
            if self.random.random() < self._habits.trouble.duplicates:
                yield Out(lane.lane.value, payload)

    def _is_ready(self, bulk: SimLane, now_s: float) -> bool:
        return bulk.last - bulk.sent >= self._habits.batch or now_s >= self._lingers_until_s

    def _take_ack(self, ack: Ack, now_s: float) -> None:
        if ack.boot != self.boot:
            return
        self._known = True
        if ack.epoch == self.epoch:
            self.lanes[Lane.ALARM].ack(ack.alarm, now_s)
            self.lanes[Lane.BULK].ack(ack.bulk, now_s)

    def _answer_time(self, request: TimeRequest, now_s: float, time: datetime) -> Out:
        answer = TimeResponse(
            request=request.request,
            gateway_time=format_instant(time + self.skew),
            synced=self._clock is ClockState.SYNCED,
            uptime_ms=int((now_s - (self._began_s or now_s)) * 1000),
            boot=self.boot,
        )
        return Out("response/time", encode(answer))

    def _obey(self, verb: str, payload: bytes) -> list[Out]:
        """Say that a request was done; nobody is there to see."""
        kind = REQUESTS.get(verb)
        if kind is None:
            return []
        answer = Response(request=decode(payload, kind).request, outcome="done")
        return [Out(f"response/{verb}", encode(answer))]

    def _encode(self, data: Data, lane: SimLane, time: datetime) -> bytes:
        return encode(
            build_event(
                site=self.plot.site,
                gateway=self.plot.gateway,
                epoch=self.epoch,
                lane=lane.lane,
                seq=lane.last + 1,
                time=time + self.skew,
                clock=self._clock,
                data=data,
            )
        )
