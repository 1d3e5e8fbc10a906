"""The hub's requests and our answers. Pure: what was asked and the time in, an answer and perhaps an effect out.

Once    a request answered before gets the same bytes again and has no second effect; the last ANSWERS_MAX are remembered.
Age     a request is refused as expired when it is older than its `ttl_ms`: its age is our uptime minus the hub's time, less the
        smallest such difference of the last ten minutes (the clocks' offset and the quickest way here). Without a measurement
        it counts as fresh. Our wall clock, which may be set meanwhile, has no part in it.
Drills  last as long as the hub's own clock says, between its sending and their end, at most 8 hours; one that has ended already
        ends what is running.
Closed  `time`, `acknowledged`, `plate`, `drill` and `walk_test` are done; the other verbs of the wire are answered `refused`;
        anything else is not answered.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from gatehouse_edge.rules.orders import LONGEST_S
from gatehouse_shared.commands import (
    REQUESTS,
    AcknowledgedRequest,
    AnnounceRequest,
    DrillRequest,
    OutputRequest,
    PlateRequest,
    Request,
    Response,
    TimeRequest,
    TimeResponse,
    WalkTestRequest,
)
from gatehouse_shared.errors import WireError
from gatehouse_shared.instants import format_instant, parse_instant
from gatehouse_shared.wire import decode, encode

ANSWERS_MAX: Final = 256
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OFFSET_WINDOW: Final = timedelta(minutes=10)
SAMPLES_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Ending:
    """The hub says that somebody acknowledged hazard (epoch, number); `at_site` ends a latched one."""

    epoch: str
    number: int
    at_site: bool


@dataclass(frozen=True, slots=True)
class Drilling:
    """The hub asks for a drill of a rule, or of every rule (None), for `left_s` more seconds; none or fewer end it."""

    rule: str | None
    left_s: float


@dataclass(frozen=True, slots=True)
class Switching:
    """The hub asks that an output be on for `left_s` more seconds, or off."""

    device: str
    on: bool
    left_s: float


Outcome = Literal["done", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Hands:
    """What can be switched and said at the site."""

    switch: Callable[[Switching], Outcome]
    announce: Callable[[str], Outcome]


@dataclass(frozen=True, slots=True)
class Now:
    """The gateway's clocks at one moment."""

    time: datetime
    synced: bool
    uptime_ms: int


@dataclass(slots=True)
class Desk:
    """Answers requests of one process; `boot` names it. `acknowledge` says whether it knew the hazard, `drill` whether it
    knew the rule, `plate` whether one was kept; `hands` switch outputs; without them such requests are refused.
    """

    boot: str
    acknowledge: Callable[[Ending], bool]
    drill: Callable[[Drilling], bool] | None = None
    plate: Callable[[PlateRequest], bool] | None = None
    hands: Hands | None = None
    _answers: OrderedDict[str, bytes] = field(default_factory=OrderedDict[str, bytes])
    _samples: list[tuple[timedelta, timedelta]] = field(
        default_factory=list[tuple[timedelta, timedelta]]
    )

    def answer(self, verb: str, payload: bytes, now: Now) -> bytes | None:
        """The bytes to publish; None for what is no request of this wire."""
        kind = REQUESTS.get(verb)
        if kind is None:
            return None
        try:
            request = decode(payload, kind)
            sent = parse_instant(request.hub_time)
        except (WireError, ValueError):
            return None
        known = self._answers.get(request.request)
        if known is not None:
            return known
        lag = timedelta(milliseconds=now.uptime_ms) - (sent - EPOCH)
        answer = self._decide(request, lag, now)
        self._answers[request.request] = answer
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        return answer

    def _decide(self, request: Request, lag: timedelta, now: Now) -> bytes:
        if isinstance(request, TimeRequest):
            up = timedelta(milliseconds=now.uptime_ms)
            self._samples = [s for s in self._samples if up - s[0] < OFFSET_WINDOW]
            self._samples = [*self._samples[-SAMPLES_MAX + 1 :], (up, lag)]
        least = min((sample for _, sample in self._samples), default=lag)
        if lag - least > timedelta(milliseconds=request.ttl_ms):
            return encode(Response(request=request.request, outcome="expired"))
        if isinstance(request, TimeRequest):
            return encode(
                TimeResponse(
                    request=request.request,
                    gateway_time=format_instant(now.time),
                    synced=now.synced,
                    uptime_ms=now.uptime_ms,
                    boot=self.boot,
                )
            )
        if isinstance(request, AcknowledgedRequest):
            known = self.acknowledge(Ending(request.epoch, request.hazard, request.at_site))
            return encode(Response(request=request.request, outcome="done" if known else "unknown"))
        if isinstance(request, DrillRequest | WalkTestRequest):
            return self._drilled(request, lag - least)
        if isinstance(request, PlateRequest) and self.plate is not None and self.plate(request):
            return encode(Response(request=request.request, outcome="done"))
        if isinstance(request, OutputRequest | AnnounceRequest) and self.hands is not None:
            return self._by_hand(self.hands, request, lag - least)
        return encode(Response(request=request.request, outcome="refused"))

    def _by_hand(
        self, hands: Hands, request: OutputRequest | AnnounceRequest, age: timedelta
    ) -> bytes:
        if isinstance(request, AnnounceRequest):
            outcome = hands.announce(request.message)
        else:
            meant = parse_instant(request.until) - parse_instant(request.hub_time) - age
            switching = Switching(request.device, request.on, meant.total_seconds())
            outcome = hands.switch(switching)
        return encode(Response(request=request.request, outcome=outcome))

    def _drilled(self, request: DrillRequest | WalkTestRequest, age: timedelta) -> bytes:
        """Both moments are the hub's, so that our clock, right or wrong, changes nothing."""
        meant = parse_instant(request.until) - parse_instant(request.hub_time)
        if self.drill is None or meant > timedelta(seconds=LONGEST_S):
            return encode(Response(request=request.request, outcome="refused"))
        rule = request.rule if isinstance(request, DrillRequest) else None
        known = self.drill(Drilling(rule, (meant - age).total_seconds()))
        return encode(Response(request=request.request, outcome="done" if known else "unknown"))
