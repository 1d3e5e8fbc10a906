"""A broker, and the ways to it. It promises what MQTT 3.1.1 promises with QoS 1 and clean sessions, and on bad days less.

Hops      a message goes from its sender to the broker, and from there to each connected reader: each hop takes its time, so that
          messages overtake each other, and may lose or double it as the `Weather` says. PUBACK is the broker's word alone: a
          message may be lost behind it.
Sessions  clean: nothing waits for who is not there. What was on its way over a connection is gone with it. A broken connection
          is noticed by both ends after a while, and then the broker publishes the will.
Retained  the last retained message of a topic comes to every new reader, marked as such; it is not lost on its way, since within
          a connection QoS 1 is kept. `wipe` forgets all of them.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gatehouse_testing.simulation.schedule import Schedule

KEEPALIVE_S: Final = 15.0
"""How long a dead connection may look alive."""


@dataclass(slots=True)
class Weather:
    """How the network is: `loss` and `doubling` are chances a hop, `slow` the chance to take up to `slowest_s`."""

    loss: float = 0.0
    doubling: float = 0.0
    slow: float = 0.0
    slowest_s: float = 0.0
    quickest_s: float = 0.005
    usual_s: float = 0.05


class Reader(Protocol):
    """A client of the broker."""

    def hear(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """A message came."""
        ...

    def lost(self, reason: str) -> None:
        """The connection ended, and this end has noticed."""
        ...


@dataclass(slots=True)
class Session:
    """One connection of one client."""

    name: str
    reader: Reader
    filters: tuple[str, ...]
    will: tuple[str, bytes] | None
    up: bool = True
    cut: bool = False


class SimulatedBroker:
    """All connections, and what is retained."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule, self._draw = schedule, schedule.draw("network")
        self.weather = Weather()
        self.down = False
        self.cut_off: set[str] = set()
        self.lose_next: dict[str, int] = {}
        self.on_the_way = 0
        self._sessions: dict[str, Session] = {}
        self._retained: dict[str, bytes] = {}

    def connect(
        self, name: str, reader: Reader, filters: tuple[str, ...], will: tuple[str, bytes] | None
    ) -> Session | None:
        """A new connection; it throws out an older one of the same name. None when the broker cannot be reached."""
        if self.down or name in self.cut_off:
            return None
        if name in self._sessions:
            self._end(self._sessions[name], "another one with the same name", noticed_s=0.0)
        session = Session(name, reader, filters, will)
        self._sessions[name] = session
        for topic in sorted(self._retained):
            if any(matches(one, topic) for one in filters):
                self._carry(session, topic, self._retained[topic], retained=True)
        return session

    def publish(
        self,
        session: Session,
        topic: str,
        payload: bytes,
        *,
        retain: bool,
        taken: Callable[[], None],
    ) -> None:
        """A client hands a message over; `taken` is its PUBACK."""

        def arrive() -> None:
            self.on_the_way -= 1
            if not session.up or session.cut:
                return
            self.on_the_way += 1
            self._schedule.after(self._hop_s(), acknowledge)
            if self._is_lost(topic):
                return
            self._route(topic, payload, retain=retain)
            if self._draw.random() < self.weather.doubling:
                self._route(topic, payload, retain=retain)

        def acknowledge() -> None:
            self.on_the_way -= 1
            if session.up and not session.cut:
                taken()

        self.on_the_way += 1
        self._schedule.after(self._hop_s(), arrive)

    def leave(self, session: Session) -> None:
        """A clean end: no will."""
        session.up = False
        if self._sessions.get(session.name) is session:
            del self._sessions[session.name]

    def vanish(self, session: Session) -> None:
        """A process died: its connection ends at once, and the broker says the will."""
        if session.up:
            self._end(session, "", noticed_s=None)

    def cut(self, name: str) -> None:
        """Nothing goes between this client and the broker any more, and nobody is told."""
        self.cut_off.add(name)
        session = self._sessions.get(name)
        if session is None:
            return
        session.cut = True
        noticed_s = KEEPALIVE_S * (0.5 + self._draw.random())
        self._schedule.after(noticed_s, lambda: session.up and self._end(session, "silent", 0.0))

    def mend(self, name: str) -> None:
        """The way is free again. A connection that was cut stays dead until both have noticed."""
        self.cut_off.discard(name)

    def stop(self) -> None:
        """The broker dies: every connection with it, and every will."""
        self.down = True
        for session in list(self._sessions.values()):
            session.will = None
            self._end(session, "the broker is gone", noticed_s=self._draw.random())

    def start(self, *, wiped: bool) -> None:
        """It is back, with or without what it had retained."""
        self.down = False
        if wiped:
            self._retained.clear()

    def inject(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """A message that nobody here sent."""
        if not self.down:
            self._route(topic, payload, retain=retain)

    def _end(self, session: Session, reason: str, noticed_s: float | None) -> None:
        session.up = False
        if self._sessions.get(session.name) is session:
            del self._sessions[session.name]
        if session.will is not None:
            self._route(*session.will, retain=True)
        if noticed_s is not None:
            self._schedule.after(noticed_s, lambda: session.reader.lost(reason))

    def _route(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self._schedule.say("broker", "takes", f"{topic} {zlib.crc32(payload):08x}")
        if retain:
            self._retained[topic] = payload
        for name in sorted(self._sessions):
            session = self._sessions[name]
            if any(matches(one, topic) for one in session.filters) and not self._is_lost(topic):
                self._carry(session, topic, payload, retained=False)
                if self._draw.random() < self.weather.doubling:
                    self._carry(session, topic, payload, retained=False)

    def _carry(self, session: Session, topic: str, payload: bytes, *, retained: bool) -> None:
        def arrive() -> None:
            self.on_the_way -= 1
            if session.up and not session.cut:
                session.reader.hear(topic, payload, retained=retained)

        self.on_the_way += 1
        self._schedule.after(self._hop_s(), arrive)

    def _is_lost(self, topic: str) -> bool:
        leaf = topic.rpartition("/")[2]
        if self.lose_next.get(leaf, 0) > 0:
            self.lose_next[leaf] -= 1
            self._schedule.say("network", "lost", topic)
            return True
        if self._draw.random() < self.weather.loss:
            self._schedule.say("network", "lost", topic)
            return True
        return False

    def _hop_s(self) -> float:
        weather, draw = self.weather, self._draw
        if draw.random() < weather.slow:
            return draw.uniform(weather.usual_s, weather.slowest_s)
        return draw.uniform(weather.quickest_s, weather.usual_s)


def matches(pattern: str, topic: str) -> bool:
    """Whether a subscription reads a topic.

    >>> [matches("a/+/c/#", topic) for topic in ("a/b/c/d/e", "a/b/c", "a/b/d/c")]
    [True, True, False]
    """
    wanted, levels = pattern.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)
