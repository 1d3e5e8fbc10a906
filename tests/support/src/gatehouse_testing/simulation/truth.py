"""What was accepted, and what must hold: looked at during a run, and once more when the world has healed.

During   an ack says no more than is committed; an outbox counts nothing as acknowledged that no ack ever said.
At end   every number is accounted for; every accepted row is in the hub under its key, or, for bulk, in a gap; an alarm of an
         outbox that was rolled back or salvaged is there under another epoch; every raised row is in exactly one incident, and
         the incidents are those that a fresh linking of all rows finds.
Excused  what the hand of man or a rotten disk took: rows written after the copy to which an outbox was put back, rows whose bytes
         were changed, rows that only a hub that was restored had and of which a full disk kept no copy.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gatehouse_hub.flows.unreadable import VERSION as UNREADABLE
from gatehouse_hub.linking.replay import replay
from gatehouse_hub.ports import Database, Transaction
from gatehouse_hub.store import desk, events, quarantine
from gatehouse_hub.store.columns import integer, text
from gatehouse_shared.commands import Ack
from gatehouse_shared.events import Event, GapReason, HazardData
from gatehouse_shared.names import Lane, Phase
from gatehouse_shared.offline import OfflineRow
from gatehouse_shared.out import IncidentState
from gatehouse_shared.topics import parse_topic
from gatehouse_shared.wire import decode, encode
from gatehouse_testing.simulation.gateway import GatewayNode
from gatehouse_testing.simulation.places import SITES

ROWS_MAX: Final = 1_000_000
_DROPPED: Final = (GapReason.DROPPED_AGE, GapReason.DROPPED_BYTES, GapReason.DROPPED_ROWS)
Key = tuple[str, str, Lane, int]


@dataclass(slots=True)
class Accepted:
    """A row that an outbox took. `excused` says why it may be missing; one that was `damaged` may be in a gap that says so."""

    gateway: str
    event: Event
    content: bytes
    nonsense: bool = False
    excused: str = ""
    damaged: bool = False

    @property
    def key(self) -> Key:
        event = self.event
        return self.gateway, event.epoch, event.lane, event.seq


@dataclass(slots=True)
class Truth:
    """What everybody said. `violations` is empty as long as all is well."""

    database: Callable[[], Database]
    rows: list[Accepted] = field(default_factory=list[Accepted])
    violations: list[str] = field(default_factory=list[str])
    acks: int = 0
    unsettled: set[str] = field(default_factory=set[str])
    """Gateways whose outbox was rolled back or damaged: they have more than one epoch."""
    hub_restored: bool = False
    _told: dict[tuple[str, str, Lane], int] = field(
        default_factory=dict[tuple[str, str, Lane], int]
    )
    _proved: dict[tuple[str, str, Lane], int] = field(
        default_factory=dict[tuple[str, str, Lane], int]
    )

    def accept(self, node: GatewayNode, accepted: tuple[Event, ...], *, nonsense: bool) -> None:
        """The outbox took rows."""
        for event in accepted:
            self.rows.append(Accepted(node.name, event, content_of(event), nonsense))

    def of(self, gateway: str) -> list[Accepted]:
        """The rows of one gateway, oldest first."""
        return [row for row in self.rows if row.gateway == gateway]

    def restore_hub(self) -> None:
        """The hub forgets what it had beyond its backup."""
        self.hub_restored = True
        self._proved.clear()

    def hear_hub(self, topic: str, payload: bytes) -> None:
        """The hub says something: an ack is compared with what another connection can read now."""
        parsed = parse_topic(topic)
        if parsed is None or parsed.leaf != "ack":
            return
        ack = decode(payload, Ack)
        self.acks += 1
        with self.database().snapshot() as tx:
            for lane, upto in ((Lane.ALARM, ack.alarm), (Lane.BULK, ack.bulk)):
                key = (parsed.gateway, ack.epoch, lane)
                proved = reach(tx, key, min(self._proved.get(key, 0), upto), upto)
                self._proved[key] = proved
                self._told[key] = max(self._told.get(key, 0), upto)
                if proved < upto:
                    self.violations.append(f"ack {upto} of {key}, committed is only {proved}")

    def look_at(self, node: GatewayNode) -> None:
        """After each turn of a gateway: nothing counts as acknowledged that was not."""
        for mark in node.outbox.marks():
            told = self._told.get((node.name, mark.epoch, mark.lane), 0)
            if mark.current and mark.acked > told:
                self.violations.append(
                    f"{node.name} takes {mark.epoch} {mark.lane} {mark.acked} for acknowledged; the hub said {told}"
                )

    def judge(self, nodes: list[GatewayNode]) -> None:
        """The world has healed: everything must be right."""
        with self.database().snapshot() as tx:
            twice = tx.execute(
                "SELECT gateway, epoch, lane, seq FROM event GROUP BY gateway, epoch, lane, seq"
                " HAVING COUNT(*) > 1"
            )
            self.violations += [f"there twice: {key}" for key in twice]
            for node in nodes:
                self._judge_numbers(tx, node)
                self._judge_rows(tx, node)
            for site in SITES:
                self.violations += wrong_incidents(tx, site.site)
                self.violations += wrong_partition(tx, site.site)

    def _judge_numbers(self, tx: Transaction, node: GatewayNode) -> None:
        for mark in node.outbox.marks():
            key = (node.name, mark.epoch, mark.lane)
            proved = reach(tx, key, 0, mark.last)
            if mark.acked != mark.last or proved < mark.last:
                self.violations.append(f"{mark}: the hub accounts for {proved}")
        told = tx.execute("SELECT DISTINCT epoch FROM event WHERE gateway = ?", (node.name,))
        if len(told) > 1 and node.name not in self.unsettled:
            self.violations.append(f"{node.name} has epochs {sorted(told)} for no reason")
        dropped = tx.execute(
            "SELECT epoch, from_seq, to_seq, reason FROM gap_range"
            " WHERE gateway = ? AND lane = 'alarm' AND reason IN (?, ?, ?)",
            (node.name, *_DROPPED),
        )
        self.violations += [f"{node.name} dropped alarms: {gap}" for gap in dropped]

    def _judge_rows(self, tx: Transaction, node: GatewayNode) -> None:
        stored, contents = stored_of(tx, node.name)
        refused = {
            (integer(n), text(e), text(lane))
            for e, lane, n in tx.execute(
                "SELECT epoch, lane, seq FROM quarantine WHERE gateway = ? AND seq IS NOT NULL",
                (node.name,),
            )
        }
        gaps = gaps_of(tx, node.name)
        unsettled = node.name in self.unsettled
        for row in self.of(node.name):
            _, epoch, lane, seq = row.key
            if stored.get((epoch, lane, seq)) == row.content:
                continue
            reasons = {
                r
                for e, x, first, last, r in gaps
                if (e, x) == (epoch, lane) and first <= seq <= last
            }
            if row.nonsense and ((seq, epoch, lane.value) in refused or unsettled):
                continue
            if lane is Lane.BULK and reasons:
                continue
            if unsettled and row.content in contents:
                continue
            if row.damaged and reasons & {"lost", "unreadable"}:
                continue
            forgotten = self.hub_restored and node.squeezes and "expired" in reasons
            if row.excused or forgotten:
                continue
            self.violations.append(f"lost: {row.key} {row.content!r} {sorted(reasons)}")


def content_of(event: Event) -> bytes:
    """What a row says, whatever its key: a hazard's number is part of the key of its raised row."""
    data = event.data
    if isinstance(data, HazardData):
        return f"{event.time} {data.rule} {data.phase} {data.grade} {data.confidence}".encode()
    return f"{event.time} ".encode() + encode(data)


def stored_of(
    tx: Transaction, gateway: str
) -> tuple[dict[tuple[str, Lane, int], bytes], set[bytes]]:
    """What the hub holds of a gateway: content by key, and all contents."""
    stored: dict[tuple[str, Lane, int], bytes] = {}
    for (epoch,) in tx.execute("SELECT DISTINCT epoch FROM event WHERE gateway = ?", (gateway,)):
        for lane in Lane:
            for row in events.lane_rows(tx, gateway, text(epoch), lane, after=0, limit=ROWS_MAX):
                stored[row.key.epoch, lane, row.key.seq] = content_of(row.event)
    return stored, set(stored.values())


def gaps_of(tx: Transaction, gateway: str) -> list[tuple[str, Lane, int, int, str]]:
    """(epoch, lane, first, last, reason) of every range."""
    return [
        (text(e), Lane(text(lane)), integer(first), integer(last), text(reason))
        for e, lane, first, last, reason in tx.execute(
            "SELECT epoch, lane, from_seq, to_seq, reason FROM gap_range WHERE gateway = ?",
            (gateway,),
        )
    ]


def reach(tx: Transaction, key: tuple[str, str, Lane], after: int, upto: int) -> int:
    """How far numbers beyond `after` are rows or in ranges without a hole, looked at no further than `upto`."""
    gateway, epoch, lane = key
    numbers = {
        integer(n)
        for (n,) in tx.execute(
            "SELECT seq FROM event WHERE gateway = ? AND epoch = ? AND lane = ? AND seq > ? AND seq <= ?",
            (gateway, epoch, lane.value, after, upto),
        )
    }
    for first, last in tx.execute(
        "SELECT from_seq, to_seq FROM gap_range WHERE gateway = ? AND epoch = ? AND lane = ?"
        " AND to_seq > ? AND from_seq <= ?",
        (gateway, epoch, lane.value, after, upto),
    ):
        numbers.update(range(integer(first), min(integer(last), upto) + 1))
    while after + 1 in numbers:
        after += 1
    return after


def wrong_incidents(tx: Transaction, site: str) -> list[str]:
    """Raised rows that are in no incident, members that are no raised rows, unreadable alarms that nobody was told of."""
    raised = {
        row.event.id
        for row in events.alarm_rows(tx, site, 0, ROWS_MAX)
        if isinstance(row.event.data, HazardData) and row.event.data.phase is Phase.RAISED
    }
    members = [
        (text(member), text(incident), text(weights))
        for member, incident, weights in tx.execute(
            "SELECT m.event_id, m.incident, i.weights FROM incident_member m"
            " LEFT JOIN incident i ON i.id = m.incident WHERE i.site = ? OR i.site IS NULL",
            (site,),
        )
    ]
    linked = [member for member, _, weights in members if weights != UNREADABLE]
    wrong = (
        [f"{site}: {len(linked)} members, {len(set(linked))} rows"]
        if len(set(linked)) != len(linked)
        else []
    )
    wrong += [
        f"{site}: raised row {name} is in no incident" for name in sorted(raised - set(linked))
    ]
    wrong += [f"{site}: member {name} is no raised row" for name in sorted(set(linked) - raised)]
    unreadable = {u.key.gateway for u in quarantine.unreadable_alarms(tx, site, 0, ROWS_MAX)}
    told = {
        text(gateway)
        for (gateway,) in tx.execute(
            "SELECT DISTINCT m.gateway FROM incident_member m JOIN incident i ON i.id = m.incident"
            " WHERE i.site = ? AND i.weights = ?",
            (site, UNREADABLE),
        )
    }
    return wrong + [
        f"{site}: an unreadable alarm of {g} is hidden" for g in sorted(unreadable - told)
    ]


def wrong_partition(tx: Transaction, site: str) -> list[str]:
    """How the incidents differ from what a fresh linking of all rows in canonical order finds."""
    lines = [
        OfflineRow(row.event, None, row.time_ms - row.corrected_ms)
        for row in events.alarm_rows(tx, site, 0, ROWS_MAX)
    ]
    plan = next(s for s in SITES if s.site == site)
    fresh = {(frozenset(i.events), i.kind, str(i.priority)) for i in replay(lines, plan)}
    listed = desk.list_incidents(
        tx, site, states=list(IncidentState), presence=True, limit=100_000, before_ms=None
    )
    found = {
        (frozenset(desk.member_ids(tx, i.id)), str(i.kind), str(i.priority))
        for i in listed
        if desk.load_story(tx, i.id)[1] != UNREADABLE
    }
    missing, other = fresh - found, found - fresh
    return [f"{site}: linked afresh there is {_named(i)}" for i in sorted(missing, key=_named)] + [
        f"{site}: nothing links {_named(i)}" for i in sorted(other, key=_named)
    ]


def _named(incident: tuple[frozenset[str], str, str]) -> str:
    members, kind, priority = incident
    return f"{priority} {kind} of {sorted(members)}"
