"""What stands of one outbox, number by number: for holding the store against what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store.columns import integer, text
from gatehouse_shared.names import Lane


@dataclass(slots=True)
class LaneTally:
    """Rows as (number, hash of its bytes), each as often as it stands; ranges without rows; how far it is accounted for."""

    rows: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    gaps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    upto: int = 0


def tally(tx: Transaction, gateway: str, epoch: str) -> Mapping[Lane, LaneTally]:
    """Both lanes of an outbox."""
    found = {lane: LaneTally() for lane in Lane}
    key = (gateway, epoch)
    for lane, seq, sha256 in tx.execute(
        "SELECT lane, seq, sha256 FROM event WHERE gateway = ? AND epoch = ?", key
    ):
        found[Lane(text(lane))].rows.append((integer(seq), text(sha256)))
    for lane, first, last in tx.execute(
        "SELECT lane, from_seq, to_seq FROM gap_range WHERE gateway = ? AND epoch = ?", key
    ):
        found[Lane(text(lane))].gaps.append((integer(first), integer(last)))
    for lane, upto in tx.execute(
        "SELECT lane, upto FROM progress WHERE gateway = ? AND epoch = ?", key
    ):
        found[Lane(text(lane))].upto = integer(upto)
    return found


def linked(tx: Transaction, gateway: str, epoch: str) -> int:
    """How many raised rows of an outbox are members of an incident."""
    rows = tx.execute(
        "SELECT COUNT(*) FROM incident_member WHERE gateway = ? AND epoch = ?", (gateway, epoch)
    )
    return integer(rows[0][0])
