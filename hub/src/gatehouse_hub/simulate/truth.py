"""What a fleet sent, kept so that it can be held against what a hub stored. Pure.

Kept of a lane is its last number and a digest: the exclusive or of its rows' hashes, the same in whatever order they are met.
Memory does not grow with the rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gatehouse_shared.names import Lane

DIGEST_HEX: Final = 16
EXAMPLES_MAX: Final = 20

LaneOf = tuple[str, str, Lane]
"""Gateway, epoch, lane."""


@dataclass(slots=True)
class LaneTruth:
    """Rows 1 to `last` of one lane were accepted by its outbox."""

    last: int = 0
    digest: int = 0
    raised: int = 0

    def add(self, sha256: str, *, raised: bool = False) -> None:
        """Another row."""
        self.last += 1
        self.digest ^= digest_of(sha256)
        self.raised += raised


def digest_of(sha256: str) -> int:
    """A row's share of its lane's digest."""
    return int(sha256[:DIGEST_HEX], 16)


@dataclass(frozen=True, slots=True)
class StoredLane:
    """What a store holds of a lane: its rows as (number, hash), ranges without rows, how far it says it is accounted for."""

    rows: Iterable[tuple[int, str]]
    gaps: tuple[tuple[int, int], ...] = ()
    upto: int = 0


@dataclass(slots=True)
class Verdict:
    """The sum over lanes. A fleet is well when all but `rows` are 0.

    lost         accepted, and neither a row nor in a gap
    duplicated   stored more than once
    unaccounted  accepted, and above what the store says is accounted for
    invented     stored, and never sent
    altered      lanes that are complete but hold other bytes than were sent
    unlinked     raised rows without an incident
    """

    rows: int = 0
    lost: int = 0
    duplicated: int = 0
    unaccounted: int = 0
    invented: int = 0
    altered: int = 0
    unlinked: int = 0
    examples: list[str] = field(default_factory=list[str])

    @property
    def is_well(self) -> bool:
        """Whether the store holds what was sent, once."""
        kept = (self.lost, self.duplicated, self.unaccounted, self.invented, self.altered)
        return not any((*kept, self.unlinked))

    def judge(self, lane: LaneOf, truth: LaneTruth, stored: StoredLane) -> None:
        """Add one lane."""
        seen: set[int] = set()
        digest = repeated = strange = 0
        for number, sha256 in stored.rows:
            if number in seen:
                repeated += 1
                continue
            seen.add(number)
            digest ^= digest_of(sha256)
            strange += not 1 <= number <= truth.last
        gone = _uncovered(truth.last, seen, stored.gaps)
        short = max(0, truth.last - stored.upto)
        whole = not gone and not strange and not stored.gaps
        differs = whole and digest != truth.digest
        self.rows += len(seen)
        self.lost += len(gone)
        self.duplicated += repeated
        self.unaccounted += short
        self.invented += strange
        self.altered += differs
        if (gone or repeated or short or strange or differs) and (
            len(self.examples) < EXAMPLES_MAX
        ):
            self.examples.append(
                f"{lane[0]}/{lane[1]}/{lane[2]}: {truth.last} sent, {len(gone)} lost"
                f"{f' (first {gone[0]})' if gone else ''}, {repeated} twice, {short} unaccounted, "
                f"{strange} invented{', altered' if differs else ''}"
            )


def _uncovered(last: int, seen: set[int], gaps: tuple[tuple[int, int], ...]) -> list[int]:
    """Numbers up to `last` that are neither a row nor in a range."""
    return [
        n for n in range(1, last + 1) if n not in seen and not any(a <= n <= b for a, b in gaps)
    ]
