"""What happened in one process of a hub, told in all: to the browsers that each serves, and to linkers that have work.

    broadcast and linker of this process -> waiting (one of a kind) -> every SEND_S one transaction of words -> other processes

Rule    a word is a hint to look, and never the only way to learn: linkers look every second anyway, and while this process does
        not hear even its own words, its browsers are told every POLL_S that everything may be new.
Bounds  WAITING_MAX changes wait to be sent; more are not told. Changes received are bounded by the listeners' own queues.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from gatehouse_hub.errors import StoreError
from gatehouse_hub.live.broadcast import Broadcast, Change, ChangeKind
from gatehouse_hub.ports import Clock

SEND_S: Final = 0.1
PING_S: Final = 5.0
POLL_S: Final = 15.0
WAITING_MAX: Final = 5_000
CHANGES_MAX: Final = 16
"""In one word, which so stays below the 8,000 bytes of PostgreSQL."""

HEAR_S: Final = 1.0

_log = logging.getLogger(__name__)


class Exchange(Protocol):
    """Carries words between the processes of a hub."""

    def send(self, words: Sequence[str]) -> None:
        """Say these to every process, this one too. Raises StoreError."""
        ...

    def hear(self, timeout_s: float) -> list[str]:
        """Words that came, or come within the time. Raises StoreError; may be called again."""
        ...

    def close(self) -> None:
        """Hear no more."""
        ...


class Word(msgspec.Struct, frozen=True, array_like=True):
    """What is said at once: by whom, what changed, and whether there is work for linkers. Nothing of it: a sign of life."""

    speaker: str
    changes: tuple[Change, ...] = ()
    work: bool = False


class News:
    """The exchange of one process: two threads, `speak` and `listen`, until `stop`."""

    def __init__(
        self,
        broadcast: Broadcast,
        clock: Clock,
        exchange: Exchange,
        on_work: Callable[[], None],
    ) -> None:
        self._broadcast, self._clock = broadcast, clock
        self._exchange, self._on_work = exchange, on_work
        self._me = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._waiting: dict[tuple[object, ...], Change] = {}
        self._work = False
        self._stopping = threading.Event()
        self._heard_s = clock.monotonic_s()
        self._sent_s = float("-inf")
        self._polled_s = float("-inf")
        self._deaf = False

    def pass_on(self, change: Change) -> None:
        """A change of this process. Never blocks."""
        key = (change.site, change.kind, change.hazard_class, change.id)
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= WAITING_MAX:
                return
            self._waiting[key] = change

    def tell_work(self) -> None:
        """Rows were stored that linkers have not seen: wake ours now, others soon. Never blocks."""
        self._on_work()
        with self._lock:
            self._work = True

    def speak(self) -> None:
        """Send what waits, every SEND_S, until stopped."""
        while not self._stopping.wait(SEND_S):
            self.send_waiting()

    def send_waiting(self) -> None:
        """Send what waits now. What cannot be sent is forgotten: it is a hint, and the others poll meanwhile."""
        with self._lock:
            changes, self._waiting = list(self._waiting.values()), {}
            work, self._work = self._work, False
        now_s = self._clock.monotonic_s()
        if not changes and not work and now_s - self._sent_s < PING_S:
            return
        self._sent_s = now_s
        try:
            self._exchange.send(words(self._me, changes, work=work))
        except StoreError as error:
            _log.debug("news could not be sent: %s", error)

    def listen(self) -> None:
        """Take in what others say until stopped."""
        while not self._stopping.is_set():
            try:
                for word in self._exchange.hear(HEAR_S):
                    self.take(word)
            except StoreError:
                self._stopping.wait(HEAR_S)
            self.look_after()
        self._exchange.close()

    def look_after(self) -> None:
        """While nothing is heard, not even ourselves, tell our browsers now and then to look at everything."""
        now_s = self._clock.monotonic_s()
        deaf = now_s - self._heard_s >= POLL_S
        if deaf != self._deaf:
            _log.warning("no word comes from other processes" if deaf else "words come again")
        self._deaf = deaf
        if deaf and now_s - self._polled_s >= POLL_S:
            self._polled_s = now_s
            for site in self._broadcast.sites():
                for kind in ChangeKind:
                    self._broadcast.hear(Change(kind=kind, site=site, at=self._clock.now()))

    def take(self, text: str) -> None:
        """One word, of another process or our own."""
        try:
            word = msgspec.json.decode(text, type=Word)
        except msgspec.DecodeError:
            _log.warning("a word of another version of the hub was not understood")
            return
        if word.speaker == self._me:
            self._heard_s = self._clock.monotonic_s()
            return
        for change in word.changes:
            self._broadcast.hear(change)
        if word.work:
            self._on_work()

    def stop(self) -> None:
        """End both threads."""
        self._stopping.set()


def words(speaker: str, changes: Sequence[Change], *, work: bool) -> list[str]:
    """As few words as hold these changes; at least one."""
    starts = range(0, max(1, len(changes)), CHANGES_MAX)
    parts = (tuple(changes[start : start + CHANGES_MAX]) for start in starts)
    said = (Word(speaker, part, work) for part in parts)
    return [msgspec.json.encode(word).decode() for word in said]
