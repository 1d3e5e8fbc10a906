"""A hub of a few lines: takes rows, accounts for numbers, acknowledges. What the contract says of ingest, without a database.

`stored` is everything it ever committed and still has; `snapshot` and `restore` are its backup. It never gives a number away: an
acknowledgement goes as far as rows and gaps reach without a hole.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gatehouse_shared.commands import Ack, MessageNack, RowNack
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import Event, GapData, HazardEvent
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import Lane
from gatehouse_shared.states import Birth
from gatehouse_shared.topics import down, parse_topic
from gatehouse_shared.wire import BadRow, Row, decode, encode, read_rows, sha256_hex
from gatehouse_testing.kinds import those

Key = tuple[str, Lane]
Answer = tuple[str, bytes]


@dataclass
class Ledger:
    """One lane of one epoch as the hub knows it."""

    rows: dict[int, Row] = field(default_factory=dict)
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def accounted(self) -> int:
        """The number up to which every number is a row or in a gap."""
        upto = 0
        while True:
            if upto + 1 in self.rows:
                upto += 1
                continue
            reach = max((last for first, last in self.gaps if first <= upto + 1), default=upto)
            if reach <= upto:
                return upto
            upto = reach

    @property
    def most(self) -> int:
        """The highest number it has heard of."""
        return max([0, *self.rows, *(last for _, last in self.gaps)])


class ModelHub:
    """One gateway's hub. `receive` gives the answers to publish; `refuse` names payload hashes that it cannot read."""

    def __init__(self, site: str, gateway: str) -> None:
        self.site, self.gateway = site, gateway
        self.boot = ""
        self.ledgers: dict[Key, Ledger] = {}
        self.reused: list[Row] = []
        self.unreadable: list[bytes] = []
        self.births: list[Birth] = []
        self.refuses: Callable[[bytes], bool] = lambda payload: False
        self._now = datetime(2026, 5, 4, tzinfo=UTC)

    def receive(self, topic: str, payload: bytes) -> list[Answer]:
        """Take in one message of the gateway."""
        parsed = parse_topic(topic)
        assert parsed is not None
        if parsed.leaf == "state":
            return self._state(payload)
        if parsed.leaf not in ("alarm", "bulk"):
            return []
        if self.refuses(payload):
            return self._unreadable(payload)
        try:
            rows = read_rows(payload)
        except WireError:
            return self._unreadable(payload)
        answers: list[Answer] = []
        for row in rows:
            assert isinstance(row, Row), row.message if isinstance(row, BadRow) else row
            answers += self._take(row)
        return [*answers, self.ack(rows[0].key.epoch)]

    def ack(self, epoch: str) -> Answer:
        """The acknowledgement of an epoch, a little later than the last one."""
        self._now += timedelta(milliseconds=1)
        lanes = {lane: self._ledger(epoch, lane).accounted() for lane in Lane}
        ack = Ack(
            boot=self.boot,
            epoch=epoch,
            alarm=lanes[Lane.ALARM],
            bulk=lanes[Lane.BULK],
            hub_time=format_instant(self._now),
        )
        return down(self.site, self.gateway, "ack"), encode(ack)

    def snapshot(self) -> dict[Key, Ledger]:
        """A backup."""
        return copy.deepcopy(self.ledgers)

    def restore(self, backup: dict[Key, Ledger]) -> None:
        """Go back to a backup."""
        self.ledgers = copy.deepcopy(backup)

    def events(self, lane: Lane) -> list[Event]:
        """Every event it holds of a lane that is no gap, over all epochs."""
        return [
            row.event
            for (_, one), ledger in self.ledgers.items()
            for row in ledger.rows.values()
            if one is lane and not isinstance(row.event.data, GapData)
        ]

    def hazards(self) -> list[HazardEvent]:
        """Every event of a hazard that it holds, over all epochs."""
        return those(HazardEvent, self.events(Lane.ALARM))

    def unaccounted(self, epoch: str, lane: Lane) -> int:
        """Numbers up to the highest it has heard of that are neither a row nor in a gap."""
        ledger = self._ledger(epoch, lane)
        return ledger.most - ledger.accounted()

    def _ledger(self, epoch: str, lane: Lane) -> Ledger:
        return self.ledgers.setdefault((epoch, lane), Ledger())

    def _state(self, payload: bytes) -> list[Answer]:
        if b'"epochs":' not in payload:
            return []
        state = decode(payload, Birth)
        self.births.append(state)
        self.boot = state.boot
        return [self.ack(mark.epoch) for mark in state.epochs]

    def _take(self, row: Row) -> list[Answer]:
        data, key = row.event.data, row.key
        if isinstance(data, GapData):
            epoch = data.epoch if isinstance(data.epoch, str) else key.epoch
            self._ledger(epoch, key.lane).gaps.append((data.from_seq, data.to_seq))
        known = self._ledger(key.epoch, key.lane).rows
        before = known.setdefault(key.seq, row)
        if before.sha256 == row.sha256:
            return []
        self.reused.append(row)
        nack = RowNack(epoch=key.epoch, lane=key.lane, seq=key.seq, reason=RefusalReason.KEY_REUSED)
        return [(down(self.site, self.gateway, "nack"), encode(nack))]

    def _unreadable(self, payload: bytes) -> list[Answer]:
        self.unreadable.append(payload)
        nack = MessageNack(sha256=sha256_hex(payload), reason=RefusalReason.NOT_JSON)
        return [(down(self.site, self.gateway, "nack"), encode(nack))]
