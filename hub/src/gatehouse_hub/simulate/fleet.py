"""A fleet on real connections: one asyncio loop, one connection a gateway, one heap of what is due.

A gateway costs a socket and some kilobytes, no thread and no task. Packets are ours (`packets.py`); what a gateway says is
decided in `gateway.py`, when it suffers in `trouble.py`.

Bounds  OPENING_MAX connections are opened at once, so that ten thousand do not knock in one moment; the rest wait their turn.
"""

import asyncio
import heapq
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gatehouse_hub.ports import Clock
from gatehouse_hub.simulate import packets
from gatehouse_hub.simulate.gateway import Habits, Out, SimGateway
from gatehouse_hub.simulate.places import Plot
from gatehouse_hub.simulate.trouble import BURST_FACTOR, BURST_S, draw_outage, next_wait_s
from gatehouse_shared.topics import down, gateway_subscription, up

OPENING_MAX: Final = 100
KEEPALIVE_S: Final = 60
PING_S: Final = 40.0
AGAIN_S: Final = 2.0
QUANTUM_S: Final = 0.1
"""A gateway looks at what happened at most so often."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the broker is. With a password every gateway signs in under its own name."""

    host: str
    port: int
    password: str | None = None


@dataclass(slots=True)
class Tally:
    """What a fleet did so far."""

    connected: int = 0
    produced: int = 0
    messages: int = 0
    outages: int = 0
    lost_connections: int = 0


@dataclass(slots=True, eq=False)
class Member:
    """A gateway with its connection and what will happen to it."""

    gateway: SimGateway
    rate: float
    link: "_Link | None" = None
    opening: bool = False
    away_until_s: float = 0.0
    outage_s: float = float("inf")
    burst_s: float = float("inf")
    calm_s: float = float("inf")
    pinged_s: float = 0.0
    counted_s: float = 0.0
    owed: float = 0.0
    due_s: float = float("inf")


class Fleet:
    """All gateways. `run` until `stop`; `rate` is rows a second of the whole fleet."""

    def __init__(
        self,
        plots: Iterable[Plot],
        address: Address,
        clock: Clock,
        *,
        rate: float,
        seed: str,
        habits: Habits,
    ) -> None:
        self._address, self._clock, self._habits = address, clock, habits
        gateways = [SimGateway(plot, seed, habits) for plot in plots]
        self.members = [Member(g, rate / len(gateways)) for g in gateways]
        self.tally = Tally()
        self._due: list[tuple[float, int]] = []
        self._wake = asyncio.Event()
        self._opening = asyncio.Semaphore(OPENING_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.is_quiet = False
        self._numbers = {id(member): n for n, member in enumerate(self.members)}

    async def run(self) -> None:
        """Connect everybody and let them live."""
        now_s = self._clock.monotonic_s()
        for member in self.members:
            self._begin(member, now_s)
        while not self._stopping:
            now_s = self._clock.monotonic_s()
            while self._due and self._due[0][0] <= now_s:
                due_s, number = heapq.heappop(self._due)
                member = self.members[number]
                if member.due_s == due_s:
                    self._look(member, now_s)
            wait_s = self._due[0][0] - self._clock.monotonic_s() if self._due else 1.0
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), max(0.001, min(wait_s, 1.0)))
            except TimeoutError:
                continue

    def quieten(self) -> None:
        """Nothing happens any more and nothing breaks: what waits is delivered."""
        self.is_quiet = True
        now_s = self._clock.monotonic_s()
        for member in self.members:
            member.outage_s = member.burst_s = float("inf")
            member.away_until_s = min(member.away_until_s, now_s)
            self._plan(member, now_s)

    async def stop(self) -> None:
        """End every connection with a goodbye."""
        self._stopping = True
        self._wake.set()
        for task in self._tasks:
            task.cancel()
        for member in self.members:
            if member.link is not None:
                member.link.say_goodbye()
        await asyncio.sleep(0.2)

    @property
    def waiting(self) -> int:
        """Rows that are not acked."""
        return sum(member.gateway.waiting for member in self.members)

    def _begin(self, member: Member, now_s: float) -> None:
        random, trouble = member.gateway.random, self._habits.trouble
        member.counted_s = now_s
        member.owed = random.random()
        member.outage_s = now_s + next_wait_s(random, trouble.outages_per_h)
        member.burst_s = now_s + next_wait_s(random, trouble.bursts_per_h)
        self._plan(member, now_s)

    def _look(self, member: Member, now_s: float) -> None:
        """What is due at a gateway: rows, an outage, a burst, a connection, messages."""
        self._happen(member, now_s)
        if now_s >= member.outage_s:
            self._break(member, now_s)
        if member.link is None:
            if now_s >= member.away_until_s and not member.opening:
                member.opening = True
                self._spawn(member)
        elif member.link.is_born:
            self._send(member, list(member.gateway.due(now_s)))
            if now_s >= member.pinged_s + PING_S:
                member.pinged_s = now_s
                member.link.write(packets.PING)
        self._plan(member, now_s)

    def _happen(self, member: Member, now_s: float) -> None:
        """The rows that a gateway owes since it was last looked at."""
        factor = BURST_FACTOR if now_s < member.calm_s < float("inf") else 1.0
        if now_s >= member.burst_s:
            member.calm_s = now_s + BURST_S
            wait_s = next_wait_s(member.gateway.random, self._habits.trouble.bursts_per_h)
            member.burst_s = member.calm_s + wait_s
        elapsed_s, member.counted_s = now_s - member.counted_s, now_s
        if self.is_quiet:
            return
        member.owed += elapsed_s * member.rate * factor
        time = self._clock.now()
        while member.owed >= 1.0:
            member.owed -= 1.0
            member.gateway.produce(now_s, time)
            self.tally.produced += 1

    def _break(self, member: Member, now_s: float) -> None:
        """An outage: the connection is gone without goodbye, rows go on."""
        gateway = member.gateway
        outage = draw_outage(gateway.random, self._habits.trouble)
        wait_s = next_wait_s(gateway.random, self._habits.trouble.outages_per_h)
        member.outage_s = now_s + outage.lasts_s + wait_s
        member.away_until_s = now_s + outage.lasts_s
        self.tally.outages += 1
        if member.link is not None:
            member.link.cut()
        if outage.restart:
            gateway.restart()

    def _plan(self, member: Member, now_s: float) -> None:
        times = [member.outage_s, member.burst_s]
        if not self.is_quiet and member.rate > 0:
            times.append(now_s + max((1.0 - member.owed) / member.rate, QUANTUM_S))
        if member.link is None:
            if not member.opening:
                times.append(member.away_until_s)
        elif member.link.is_born:
            times += [member.gateway.next_due_s(), member.pinged_s + PING_S]
        due_s = max(min(times), now_s + 0.001)
        if due_s < float("inf") and due_s != member.due_s:
            member.due_s = due_s
            heapq.heappush(self._due, (due_s, self._numbers[id(member)]))
            self._wake.set()

    def _spawn(self, member: Member) -> None:
        task = asyncio.get_running_loop().create_task(self._open(member))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, member: Member) -> None:
        async with self._opening:
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: _Link(self, member), self._address.host, self._address.port
                )
            except OSError:
                self.lost(member)

    # What links call.

    def hello(self, member: Member) -> bytes:
        """CONNECT of the next connection."""
        gateway = member.gateway
        plot = gateway.plot
        will = packets.Will(up(plot.site, plot.gateway, "state"), gateway.will())
        name = plot.gateway if self._address.password is not None else None
        return packets.connect(
            plot.gateway,
            keepalive_s=KEEPALIVE_S,
            will=will,
            username=name,
            password=self._address.password,
        )

    def born(self, member: Member, link: "_Link") -> None:
        """The broker has taken the subscription: the gateway speaks."""
        now_s = self._clock.monotonic_s()
        member.link, member.opening, member.pinged_s = link, False, now_s
        self.tally.connected += 1
        self._send(member, member.gateway.connect(now_s))
        self._send(member, list(member.gateway.due(now_s)))
        self._plan(member, now_s)

    def lost(self, member: Member) -> None:
        """A connection ended or never came to be; the next one comes after a while."""
        now_s = self._clock.monotonic_s()
        if member.link is not None:
            self.tally.connected -= 1
            self.tally.lost_connections += 1
        member.link, member.opening = None, False
        wait_s = AGAIN_S * (0.5 + member.gateway.random.random())
        member.away_until_s = max(member.away_until_s, now_s + wait_s)
        self._plan(member, now_s)

    def heard(self, member: Member, message: packets.Published) -> None:
        """A message for a gateway."""
        plot = member.gateway.plot
        leaf = message.topic.removeprefix(down(plot.site, plot.gateway, ""))
        now_s = self._clock.monotonic_s()
        self._send(member, member.gateway.take(leaf, message.payload, now_s, self._clock.now()))
        self._plan(member, now_s)

    def _send(self, member: Member, outs: list[Out]) -> None:
        if member.link is None or not outs:
            return
        plot = member.gateway.plot
        self.tally.messages += len(outs)
        member.link.publish(
            [(up(plot.site, plot.gateway, out.leaf), out.payload, out.retain) for out in outs]
        )


@dataclass(slots=True, eq=False)
class _Link(asyncio.Protocol):
    """One connection. `is_born` when it is accepted and subscribed."""

    fleet: Fleet
    member: Member
    is_born: bool = False
    transport: asyncio.Transport | None = None
    reader: packets.Reader = field(default_factory=packets.Reader)
    number: int = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.fleet.hello(self.member))

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self.reader.feed(data):
                self._take(packet)
        except packets.ProtocolError as error:
            _log.warning("%s: %s", self.member.gateway.plot.gateway, error)
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        self.transport = None
        if self.member.link in (self, None):
            self.fleet.lost(self.member)

    def publish(self, messages: Iterable[tuple[str, bytes, bool]]) -> None:
        """Write messages at QoS 1. PUBACKs are not waited for: only the hub's ack counts."""
        chosen: list[bytes] = []
        for topic, payload, retain in messages:
            self.number = self.number % 65_535 + 1
            chosen.append(packets.publish(topic, payload, self.number, retain=retain))
        self.write(b"".join(chosen))

    def write(self, data: bytes) -> None:
        """Bytes to the broker, if it is there."""
        if self.transport is not None:
            self.transport.write(data)

    def say_goodbye(self) -> None:
        """DISCONNECT, so that the broker drops the will."""
        self.write(packets.DISCONNECT)
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """Gone without goodbye."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()

    def _take(self, packet: packets.Packet) -> None:
        plot = self.member.gateway.plot
        if isinstance(packet, packets.Published):
            if packet.number is not None:
                self.write(packets.puback(packet.number))
            self.fleet.heard(self.member, packet)
        elif isinstance(packet, packets.Connected):
            if packet.code:
                _log.warning("the broker refuses %s: code %s", plot.gateway, packet.code)
                self.cut()
                return
            topic = gateway_subscription(plot.site, plot.gateway)
            self.write(packets.subscribe(1, (topic,)))
        elif isinstance(packet, packets.Subscribed):
            if any(code == 128 for code in packet.codes):
                _log.warning("the broker lets %s not read its topics", plot.gateway)
                self.cut()
                return
            self.is_born = True
            self.fleet.born(self.member, self)
