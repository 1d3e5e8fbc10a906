"""The agent's side of maintenance: reads the file that people write, and tells the rules what is hidden from now on.

Time    an entry ends by the wall clock, and at the latest by the monotonic one, counted from when it was first seen: a clock that
        is unknown or was set back makes none longer.
Failing a file that does not read hides nothing, and is logged once.
Log     who hides what until when, each hazard that was hidden, and at the end how many there were.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from gatehouse_edge.app.maintenance import Entry, read_entries
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.rules.observations import MaintenanceOrder, Moment
from gatehouse_edge.rules.orders import LONGEST_S
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_edge.values import Finding

AHEAD: Final = timedelta(minutes=5)
"""An entry that begins later than this was written by another clock, and is left out."""

log = logging.getLogger(__name__)
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Running:
    """An entry that holds: its rules, when it ends at the latest, and how many hazards it has hidden."""

    entry: Entry
    rules: frozenset[str]
    ends_at: float
    hidden: int = 0


@dataclass(slots=True)
class Upkeep:
    """Watches one file for one set of rules. `step` about once a second."""

    path: Path
    rules: RuleSet
    _stamp: Stamp | None = None
    _entries: tuple[Entry, ...] = ()
    _running: dict[str, _Running] = field(default_factory=dict[str, _Running])
    _spent: set[str] = field(default_factory=set[str])
    _told: frozenset[str] = frozenset()

    def step(self, now: Moment) -> MaintenanceOrder | None:
        """The rules that are hidden from now on; None while nothing has changed."""
        self._read()
        listed = {entry.id for entry in self._entries}
        self._spent &= listed
        for key, one in tuple(self._running.items()):
            over = now.time_known and now.time >= one.entry.until
            if over or key not in listed or now.at >= one.ends_at:
                self._close(key, one)
        for entry in self._entries:
            if entry.id not in self._running and entry.id not in self._spent:
                self._open(entry, now)
        hidden = frozenset[str]().union(*(one.rules for one in self._running.values()))
        if hidden == self._told:
            return None
        self._told = hidden
        return MaintenanceOrder(hidden)

    def hid(self, findings: Iterable[Finding]) -> None:
        """Hazards that were not raised."""
        for finding in findings:
            by = [one for one in self._running.values() if finding.rule in one.rules]
            names = ", ".join(one.entry.id for one in by)
            log.warning(
                "maintenance %s hides %s of rule %s in zone %s, grade %d: %s",
                *(names, finding.kind, finding.rule, finding.zone, finding.grade, finding.reason),
            )
            for one in by:
                one.hidden += 1

    def _read(self) -> None:
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._entries = read_entries(self.path)
        except ConfigError as error:
            self._entries = ()
            log.error("%s", error)

    def _open(self, entry: Entry, now: Moment) -> None:
        left = entry.longest
        if now.time_known:
            left = min(left, entry.until - now.time)
        if left <= timedelta() or (now.time_known and entry.begun > now.time + AHEAD):
            self._spent.add(entry.id)
            return
        rules = frozenset(
            name
            for name, rule in self.rules.rules.items()
            if entry.rule == name or entry.device == rule.binding.device
        )
        ends_at = now.at + min(left.total_seconds(), LONGEST_S)
        self._running[entry.id] = _Running(entry, rules, ends_at)
        log.warning(
            "maintenance %s of %s begins, until %s, by %s: %s",
            *(entry.id, entry.what, entry.until, entry.by, entry.reason),
        )

    def _close(self, key: str, one: _Running) -> None:
        del self._running[key]
        self._spent.add(key)
        log.warning(
            "maintenance %s of %s is over; %d hazards were hidden", key, one.entry.what, one.hidden
        )


def _stamp(path: Path) -> Stamp | None:
    """What changes when the file does; None where there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino
