"""Sends what incidents have left to be told: at least once, with a key by which the receiver knows what it has already.

    due? -> claim (COMMIT) -> send -> mark (COMMIT)

Each consumer has its own thread while something is due to it, so that one that is away holds up no other. A notifier that
dies between its two commits leaves a row on lease; another, or it again, sends the row once more under the same key. Any
number of processes may do this over one store.

Bounds  one row of a consumer in the air for each process; THREADS consumers at once.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gatehouse_hub.errors import StoreError
from gatehouse_hub.notify.attempts import Attempt, Channel, Outcome, next_wait_s
from gatehouse_hub.ports import Clock, Database, Metrics
from gatehouse_hub.store import notifications
from gatehouse_hub.store.notifications import Claimed, Delivery
from gatehouse_shared.instants import to_ms

LOOK_S: Final = 1.0
"""How long what another process has written may wait until it is seen."""

LEASE_MARGIN_S: Final = 5.0
"""What a lease lasts beyond the longest attempt."""

THREADS: Final = 16
COUNT_S: Final = 30.0
TRIM_S: Final = 3_600.0

_log = logging.getLogger(__name__)


class Notifier:
    """`run` until `stop`; `wake` from any thread. `channels` by the id of their consumer."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        clock: Clock,
        metrics: Metrics,
        *,
        margin_s: float = LEASE_MARGIN_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._channels = database, channels
        self._clock, self._metrics = clock, metrics
        self._margin_s, self._chance = margin_s, chance
        self._busy: set[str] = set()
        self._failing: set[str] = set()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._counted_s = self._trimmed_s = float("-inf")

    def run(self) -> None:
        """Tell until stopped."""
        away = False
        with ThreadPoolExecutor(THREADS, thread_name_prefix="notify") as pool:
            while not self._stopping.is_set():
                try:
                    for consumer in self._due():
                        pool.submit(self._drain, consumer)
                    self._keep_house()
                except StoreError as error:
                    if not away:
                        _log.warning("notifications wait for the database: %s", error)
                    away = True
                else:
                    if away:
                        _log.warning("notifications go on")
                    away = False
                self._woken.wait(LOOK_S)
                self._woken.clear()

    def wake(self) -> None:
        """There is something to tell."""
        self._woken.set()

    def stop(self) -> None:
        """End after what is in the air."""
        self._stopping.set()
        self._woken.set()

    def send_next(self, consumer: str) -> bool:
        """Send one row of a consumer; whether there was one."""
        channel = self._channels[consumer]
        lease_ms = round((channel.most_s + self._margin_s) * 1000)
        now_ms = to_ms(self._clock.now())
        with self._database.transaction() as tx:
            claimed = notifications.claim(tx, consumer, now_ms, now_ms + lease_ms)
        if claimed is None:
            return False
        attempt = channel.send(claimed.key, claimed.body, now_ms // 1000)
        self._mark(consumer, claimed, attempt)
        return True

    def _mark(self, consumer: str, claimed: Claimed, attempt: Attempt) -> None:
        now_ms = to_ms(self._clock.now())
        wait_s: float | None = None
        with self._database.transaction() as tx:
            if attempt.outcome is Outcome.ARRIVED:
                notifications.mark_sent(tx, claimed, now_ms)
            else:
                wait_s = next_wait_s(claimed.attempts, attempt, self._chance())
                due_ms = None if wait_s is None else now_ms + round(wait_s * 1000)
                notifications.mark_failed(tx, claimed, attempt.reason, due_ms=due_ms, now_ms=now_ms)
        self._metrics.count("notification_attempts", labels={"outcome": attempt.outcome})
        self._log(consumer, attempt, given_up=wait_s is None)

    def _log(self, consumer: str, attempt: Attempt, *, given_up: bool) -> None:
        """Said when a consumer goes away and when it is back; every one that is given up is said, for somebody was not told."""
        if attempt.outcome is Outcome.ARRIVED:
            if consumer in self._failing:
                self._failing.discard(consumer)
                _log.warning("%s is told again", consumer)
            return
        if given_up:
            self._metrics.count("notifications_given_up")
            _log.error("a notification to %s is given up: %s", consumer, attempt.reason)
        if consumer not in self._failing:
            self._failing.add(consumer)
            _log.warning("%s cannot be told, tried again: %s", consumer, attempt.reason)

    def _due(self) -> list[str]:
        """Consumers that have something due and no thread yet; each is given one by the caller."""
        now_ms = to_ms(self._clock.now())
        with self._lock:
            idle = [c for c in self._channels if c not in self._busy]
        with self._database.snapshot() as tx:
            due = [c for c in idle if notifications.any_due(tx, c, now_ms)]
        with self._lock:
            self._busy.update(due)
        return due

    def _drain(self, consumer: str) -> None:
        """Send until nothing is due."""
        try:
            while not self._stopping.is_set() and self.send_next(consumer):
                pass
        except StoreError as error:
            _log.warning("a notification to %s stays on lease: %s", consumer, error)
        except Exception:  # noqa: BLE001 - top of a thread: logged, and the row is taken on again
            _log.exception("sending to %s failed", consumer)
        finally:
            with self._lock:
                self._busy.discard(consumer)

    def _keep_house(self) -> None:
        """Figures now and then; what ended long ago is forgotten."""
        now_s = self._clock.monotonic_s()
        if now_s - self._counted_s >= COUNT_S:
            self._counted_s = now_s
            with self._database.snapshot() as tx:
                left = notifications.count_left(tx)
            self._metrics.set("notifications_waiting", left.get(Delivery.WAITING, 0))
            self._metrics.set("notifications_failed", left.get(Delivery.FAILED, 0))
        if now_s - self._trimmed_s >= TRIM_S:
            self._trimmed_s = now_s
            with self._database.transaction() as tx:
                notifications.trim(tx, to_ms(self._clock.now()))
