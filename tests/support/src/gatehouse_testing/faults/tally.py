"""What came of it: every accepted row is in the hub once, every number is accounted for, every alarm is in one incident."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from gatehouse_hub.flows.on_turn import take_turn
from gatehouse_hub.ports import Database
from gatehouse_hub.store import work
from gatehouse_hub.store.columns import integer, text
from gatehouse_testing.faults.place import words_of

LINK_TURNS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What went wrong.

    lost         accepted and not in the hub, or acknowledged before it was
    duplicated   in the hub under two keys, or an alarm in two incidents
    unaccounted  numbers that are neither row nor gap, alarms in no incident, and incidents that a linking of the same rows would
                 not make
    """

    lost: int
    duplicated: int
    unaccounted: int
    rows: int = 0
    incidents: int = 0

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice, nothing unaccounted for."""
        return (self.lost, self.duplicated, self.unaccounted) == (0, 0, 0)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            self.unaccounted + other.unaccounted,
            self.rows + other.rows,
            self.incidents + other.incidents,
        )

    def plus(self, **more: int) -> "Counts":
        """With more of some."""
        return replace(self, **{name: getattr(self, name) + n for name, n in more.items()})


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row that a gateway said it has accepted."""

    gateway: str
    epoch: str
    lane: str
    seq: int
    words: str

    @classmethod
    def read(cls, gateway: str, line: str) -> Self | None:
        """From a line of a gateway process; None for other lines."""
        kind, _, rest = line.partition(" ")
        if kind != "row":
            return None
        epoch, lane, seq, words = rest.split(" ", 3)
        return cls(gateway, epoch, lane, int(seq), words)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Its idempotent key."""
        return self.gateway, self.epoch, self.lane, self.seq


def accepted_of(gateway: str, lines: Iterable[str]) -> list[Accepted]:
    """What a gateway accepted, from all it said."""
    return [row for line in lines if (row := Accepted.read(gateway, line)) is not None]


def count(database: Database, accepted: Iterable[Accepted]) -> Counts:
    """Compare what gateways accepted with what the hub has."""
    with database.snapshot() as tx:
        stored = tx.execute("SELECT gateway, epoch, lane, seq, payload FROM event")
    there = {
        (text(gateway), text(epoch), text(lane), integer(seq)): words_of(text(payload).encode())
        for gateway, epoch, lane, seq, payload in stored
    }
    lost = sum(there.get(row.key) != row.words for row in accepted)
    times = Counter((key[0], words) for key, words in there.items() if words and key[0] != "hub")
    twice = sum(n - 1 for n in times.values())
    in_two, in_none, incidents = count_members(database)
    return Counts(
        lost,
        twice + in_two,
        holes(database) + in_none + relinked(database),
        len(there),
        incidents,
    )


def holes(database: Database) -> int:
    """Numbers below the highest of their lane that are neither a row nor in a range."""
    with database.snapshot() as tx:
        rows = tx.execute(
            "SELECT e.gateway, e.epoch, e.lane, MAX(e.seq), MIN(COALESCE(p.upto, 0)) FROM event e "
            "LEFT JOIN progress p ON p.gateway = e.gateway AND p.epoch = e.epoch AND p.lane = e.lane "
            "WHERE e.gateway <> 'hub' GROUP BY e.gateway, e.epoch, e.lane"
        )
    return sum(max(0, integer(highest) - integer(upto)) for *_, highest, upto in rows)


def count_members(database: Database) -> tuple[int, int, int]:
    """Raised alarms that are in more than one incident, in none, and how many incidents there are."""
    with database.snapshot() as tx:
        raised = {text(r[0]) for r in tx.execute("SELECT id FROM event WHERE phase = 'raised'")}
        members = [
            text(r[0])
            for r in tx.execute(
                "SELECT m.event_id FROM incident_member m JOIN incident i ON i.id = m.incident "
                "WHERE i.merged_into IS NULL"
            )
        ]
        incidents = tx.execute("SELECT COUNT(*) FROM incident WHERE merged_into IS NULL")
    times = Counter(members)
    in_two = sum(n - 1 for n in times.values())
    return in_two, len(raised - times.keys()), integer(incidents[0][0])


def relinked(database: Database) -> int:
    """Incidents that change when all rows are linked once more: what was made is what a linking from nothing makes, or not."""
    with database.transaction() as tx:
        oldest = tx.execute(
            "SELECT site, MIN(corrected_ms), MAX(arrived_ms) FROM event WHERE phase = 'raised' GROUP BY site"
        )
        work.add(tx, [work.Pending(text(s), integer(ms), integer(now)) for s, ms, now in oldest])
        now_ms = max((integer(now) for *_, now in oldest), default=0)
    changed = 0
    for _ in range(LINK_TURNS_MAX):
        with database.transaction() as tx:
            turn = take_turn(tx, now_ms)
        if turn is None:
            return changed
        changed += len(turn.changed)
    raise AssertionError("linking comes to no end")


def is_linked(database: Database) -> bool:
    """Whether no site waits for a linker."""
    with database.snapshot() as tx:
        return work.backlog(tx).sites == 0
