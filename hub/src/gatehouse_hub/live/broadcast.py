"""Fan-out of change notices from the hub's threads to the browsers that listen.

Bounds  at most `max_listeners` listeners and MAX_PER_OWNER of one caller, each with a queue of at most `max_waiting`
        notices. Notices about the same thing that still wait are one. A listener whose queue is full is dropped: it
        reconnects and fetches anew.
Threads `publish` and `tell` may be called from any thread; they never block and never raise. A listener belongs to the
        event loop that opened it.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from gatehouse_hub.ports import Changed, Clock
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState, Level

MAX_LISTENERS: Final = 256
MAX_WAITING: Final = 256
MAX_PER_OWNER: Final = 24
"""Browser windows and walls of one user; beyond it they would take the stream from others."""


class ChangeKind(StrEnum):
    """What changed."""

    INCIDENT = "incident"
    HAZARD = "hazard"
    OCCUPANCY = "occupancy"
    GATEWAY = "gateway"


KIND_OF: Final = {
    Changed.OCCUPANCY: ChangeKind.OCCUPANCY,
    Changed.HAZARDS: ChangeKind.HAZARD,
    Changed.INCIDENTS: ChangeKind.INCIDENT,
    Changed.GATEWAYS: ChangeKind.GATEWAY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something of a site is new. `id` None: several at once. `hazard_class` decides who may hear of it."""

    kind: ChangeKind
    site: str
    at: datetime
    id: str | None = None
    zone: str | None = None
    hazard_kind: HazardKind | None = None
    hazard_class: HazardClass | None = None
    state: IncidentState | None = None
    priority: Literal["P1", "P2", "P3", "P4"] | None = None
    level: Level | None = None

    @property
    def key(self) -> tuple[ChangeKind, str | None]:
        """Two waiting changes with the same key are one."""
        return self.kind, self.id


class Ended(StrEnum):
    """Why a listener hears nothing more."""

    TOO_SLOW = "too_slow"
    SHUTTING_DOWN = "shutting_down"


class TooManyListenersError(Exception):
    """`max_listeners` listen already, or MAX_PER_OWNER of the same caller."""


@dataclass(slots=True, eq=False)
class Listener:
    """One browser's queue. Touched only in its own event loop."""

    site: str
    presence: bool
    owner: str
    loop: asyncio.AbstractEventLoop
    max_waiting: int
    waiting: dict[tuple[ChangeKind, str | None], Change] = field(
        default_factory=dict[tuple[ChangeKind, str | None], Change]
    )
    ended: Ended | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, change: Change) -> None:
        """Queue a change, replacing one about the same thing; end the listener when the queue is full."""
        if self.ended is not None:
            return
        if change.key not in self.waiting and len(self.waiting) >= self.max_waiting:
            self.end(Ended.TOO_SLOW)
            return
        self.waiting[change.key] = change
        self.woken.set()

    def end(self, why: Ended) -> None:
        """Nothing more will come; what waits is forgotten."""
        self.ended = self.ended or why
        self.waiting.clear()
        self.woken.set()

    async def next_changes(self, timeout_s: float) -> tuple[Change, ...]:
        """Everything that waits, or what comes within `timeout_s`; empty when nothing came or it has ended."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.woken.wait()
        except TimeoutError:
            return ()
        self.woken.clear()
        changes = tuple(self.waiting.values())
        self.waiting.clear()
        return changes


class Broadcast:
    """Tells every listener of a site what changed. Implements the port `Announcer`."""

    def __init__(
        self, clock: Clock, max_listeners: int = MAX_LISTENERS, max_waiting: int = MAX_WAITING
    ) -> None:
        self._clock = clock
        self._max_listeners, self._max_waiting = max_listeners, max_waiting
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._closed = False
        self._pass_on: Callable[[Change], None] = lambda _change: None
        self._note: Callable[[str], None] = lambda _site: None

    def __len__(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def listen(self, site: str, *, presence: bool, owner: str) -> Listener:
        """A new listener in the running event loop; `presence` False hears nothing of class P."""
        listener = Listener(site, presence, owner, asyncio.get_running_loop(), self._max_waiting)
        with self._lock:
            if self._closed or len(self._listeners) >= self._max_listeners:
                raise TooManyListenersError
            if sum(x.owner == owner for x in self._listeners) >= MAX_PER_OWNER:
                raise TooManyListenersError
            self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener; twice does no harm."""
        with self._lock:
            self._listeners.discard(listener)

    def share(self, pass_on: Callable[[Change], None]) -> None:
        """Pass on what is published here, to the listeners of other processes. `pass_on` must not block."""
        self._pass_on = pass_on

    def observe(self, note: Callable[[str], None]) -> None:
        """Name every site of which anything is told to `note`, which must not block."""
        self._note = note

    def sites(self) -> set[str]:
        """Sites that somebody listens to."""
        with self._lock:
            return {listener.site for listener in self._listeners}

    def publish(self, change: Change) -> None:
        """Tell the site's listeners that may hear of it, here and wherever it is passed on."""
        self.hear(change)
        self._pass_on(change)

    def hear(self, change: Change) -> None:
        """Tell the site's listeners of this process that may hear of it."""
        self._note(change.site)
        with self._lock:
            listeners = [
                x
                for x in self._listeners
                if x.site == change.site
                and (x.presence or change.hazard_class is not HazardClass.PRESENCE)
            ]
        for listener in listeners:
            self._call(listener, change)

    def tell(self, site: str, what: Changed, *, presence: bool = False) -> None:
        """Something of `site` changed, no matter which.

        What may be of class P is told only to those who may know of it: others could tell by the moment.
        """
        secret = presence or what is Changed.HAZARDS
        hazard_class = HazardClass.PRESENCE if secret else None
        kind = KIND_OF[what]
        self.publish(Change(kind=kind, site=site, at=self._clock.now(), hazard_class=hazard_class))

    def close(self) -> None:
        """End every listener and take no more."""
        with self._lock:
            self._closed = True
            listeners = list(self._listeners)
        for listener in listeners:
            self._call(listener, None)

    def _call(self, listener: Listener, change: Change | None) -> None:
        try:
            if change is None:
                listener.loop.call_soon_threadsafe(listener.end, Ended.SHUTTING_DOWN)
            else:
                listener.loop.call_soon_threadsafe(listener.offer, change)
        except RuntimeError:  # its loop is closed
            self.leave(listener)
