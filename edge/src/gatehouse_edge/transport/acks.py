"""What an acknowledgement means. Pure: what is known of an epoch in, a verdict out.

Forward   the hub has accounted for more: note it.
Lower     the hub may have been restored from a backup. Believed when it comes twice, at least 5 s apart, and later by the
          hub's own clock than the one before: then everything beyond it is sent again.
Above     the hub holds numbers that this outbox never sent: the file was rolled back (a restored card, a snapshot of a machine).
          No number beyond those that the file held when it was opened can be with the hub before this process has sent it, so
          even an acknowledgement that our own new rows would cover is seen through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_edge.values import StreamMark
from gatehouse_shared.commands import Ack
from gatehouse_shared.names import Lane

TWICE_S: Final = 5.0


class Verdict(StrEnum):
    """What to do about an acknowledgement."""

    FORWARD = "forward"
    UNCHANGED = "unchanged"
    STALE = "stale"
    FOREIGN = "foreign"
    ASK_AGAIN = "ask_again"
    HUB_RESTORED = "hub_restored"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Heard:
    """When the hub last spoke of an epoch, by its own clock, and since when (monotonic seconds) it has said lower numbers."""

    hub_time: str = ""
    lower_at: float | None = None


def judge(
    ack: Ack,
    *,
    boot: str,
    marks: Sequence[StreamMark],
    sent: Mapping[tuple[str, Lane], int],
    heard: Heard,
    at: float,
) -> tuple[Verdict, Heard]:
    """The verdict on `ack`, and what to remember. `sent` is the highest number of each lane that this process has published."""
    if ack.boot != boot:
        return Verdict.FOREIGN, heard
    lanes = {mark.lane: mark for mark in marks if mark.epoch == ack.epoch}
    if not lanes:
        return Verdict.FOREIGN, heard
    if ack.hub_time < heard.hub_time:
        return Verdict.STALE, heard
    upto = numbers(ack)
    if any(mark.current and upto[lane] > provable(mark, sent) for lane, mark in lanes.items()):
        return Verdict.ROLLED_BACK, Heard(ack.hub_time)
    if any(upto[lane] < lanes[lane].acked for lane in lanes):
        return _lower(ack, heard, at)
    moved = any(upto[lane] > lanes[lane].acked for lane in lanes)
    return (Verdict.FORWARD if moved else Verdict.UNCHANGED), Heard(ack.hub_time)


def numbers(ack: Ack) -> dict[Lane, int]:
    """The number of each lane."""
    return {Lane.ALARM: ack.alarm, Lane.BULK: ack.bulk}


def provable(mark: StreamMark, sent: Mapping[tuple[str, Lane], int]) -> int:
    """The highest number of a lane that the hub can honestly hold."""
    return max(mark.held, mark.acked, sent.get((mark.epoch, mark.lane), 0))


def _lower(ack: Ack, heard: Heard, at: float) -> tuple[Verdict, Heard]:
    if heard.lower_at is None:
        return Verdict.ASK_AGAIN, Heard(ack.hub_time, at)
    if ack.hub_time <= heard.hub_time or at - heard.lower_at < TWICE_S:
        return Verdict.ASK_AGAIN, heard
    return Verdict.HUB_RESTORED, Heard(ack.hub_time)
