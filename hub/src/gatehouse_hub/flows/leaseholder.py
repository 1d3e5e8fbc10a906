"""Holding leases: a round every so often, in which a worker learns what is its own. Used by one thread.

A worker that dies is found out after `LeaseTimes.lease_s`; one that ends gives its parts back at once. What a worker believes to
hold may be out of date by a round: where it matters, `held_in` asks inside the transaction and keeps the answer true until
its end.
"""

import secrets
import socket
from dataclasses import dataclass
from typing import Final, Protocol

from gatehouse_hub.leasing import LeaseStep, decide
from gatehouse_hub.ports import Database, Dialect, Transaction
from gatehouse_hub.store import leases

LEASE_S: Final = 3.5
ROUND_S: Final = 0.7


class Holding(Protocol):
    """Which parts of a kind of work are ours."""

    @property
    def held(self) -> frozenset[int]:
        """As the last round found it."""
        ...

    def refresh(self, now_s: float) -> bool:
        """Do a round if one is due; whether anything changed."""
        ...

    def held_in(self, tx: Transaction) -> frozenset[int]:
        """What is ours, for sure, until this transaction ends."""
        ...

    def end(self) -> None:
        """Give everything back."""
        ...


class EveryPart:
    """All parts are ours: the hub is one process."""

    def __init__(self, parts: int) -> None:
        self._all = frozenset(range(parts))

    @property
    def held(self) -> frozenset[int]:
        """All of them."""
        return self._all

    def refresh(self, now_s: float) -> bool:
        """Nothing ever changes."""
        del now_s
        return False

    def held_in(self, tx: Transaction) -> frozenset[int]:
        """All of them."""
        del tx
        return self._all

    def end(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long a lease holds without a sign of life, and how often there is one."""

    lease_s: float = LEASE_S
    round_s: float = ROUND_S


class Leaseholder:
    """One worker of one kind of work, divided into `parts` numbered from 0."""

    def __init__(
        self, database: Database, kind: str, parts: int, times: LeaseTimes | None = None
    ) -> None:
        self._database, self._kind, self._parts = database, kind, parts
        self._times = times or LeaseTimes()
        self._held: frozenset[int] = frozenset()
        self._done_s = float("-inf")
        self.name: Final = worker_name()

    @property
    def held(self) -> frozenset[int]:
        """As the last round found it."""
        return self._held

    def refresh(self, now_s: float) -> bool:
        """A round, if one is due. Raises StoreError; what is held then stays as it was."""
        if now_s - self._done_s < self._times.round_s:
            return False
        before = self._held
        self._held = self._round()
        self._done_s = now_s
        return self._held != before

    def held_in(self, tx: Transaction) -> frozenset[int]:
        """What is still ours of what we believe to hold."""
        if not self._held:
            return self._held
        return leases.held_now(tx, self._kind, self.name, self._held)

    def end(self) -> None:
        """Give everything back."""
        with self._database.transaction() as tx:
            leases.load(tx, self._kind, self._parts)
            leases.retire(tx, self._kind, self.name)
        self._held = frozenset()

    def _round(self) -> frozenset[int]:
        with self._database.transaction() as tx:
            known = leases.load(tx, self._kind, self._parts)
            now_ms = leases.now_ms(tx)
            until_ms = now_ms + round(self._times.lease_s * 1000)
            leases.enlist(tx, self._kind, self.name, until_ms)
            workers = leases.live_workers(tx, self._kind, now_ms)
            decisions = decide(self.name, workers, known, now_ms)
            leases.save(tx, self._kind, self.name, decisions, until_ms)
        return frozenset(d.lease.number for d in decisions if d.step is not LeaseStep.RELEASE)


def worker_name() -> str:
    """A name that no other worker has: the machine's, and chance."""
    machine = socket.gethostname().partition(".")[0][:24] or "worker"
    return f"{machine}-{secrets.token_hex(4)}"


def hold(database: Database, kind: str, parts: int, times: LeaseTimes | None = None) -> Holding:
    """Leases where several processes may share the database, everything where only one can."""
    if database.dialect is Dialect.SQLITE:
        return EveryPart(parts)
    return Leaseholder(database, kind, parts, times)
