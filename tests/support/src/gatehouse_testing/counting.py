"""Count windows as a gateway gives them: drawn crowds through the real release rules, as rows for an outbox."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from gatehouse_edge.outbox.drafts import draft_window
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.release_count import CountRelease, CountsState
from gatehouse_edge.values import Draft, ZoneCount
from gatehouse_shared.names import Label, ZoneKind

DAWN = datetime(2026, 5, 4, 6, 0, 0, tzinfo=UTC)
ZONE = "shed_2"
DEVICES = ("gas_1", "smoke_1", "button_1")
"""Any devices of the small site will do: the wire asks only that they exist."""
LABELS = (Label.PERSON, Label.BICYCLE, Label.MOTORCYCLE)


def count_windows(
    seed: int,
    minutes: int,
    *,
    devices: Sequence[str] = DEVICES,
    labels: Sequence[Label] = LABELS,
    start: datetime = DAWN,
    most: int = 30,
) -> Iterator[tuple[datetime, list[Draft]]]:
    """For every ten seconds of so many minutes: when, and the windows that closed. Each series walks between 0 and `most`."""
    drawn = random.Random(seed)
    release = CountRelease({ZONE: ZoneKind.SHED})
    state = CountsState()
    level = {(device, label): drawn.randint(0, most) for device in devices for label in labels}
    for tick in range(minutes * 6 + 1):
        now = start + timedelta(seconds=10 * tick)
        closed: list[Draft] = []
        for second in (0, 3, 6, 9):
            at = now + timedelta(seconds=second)
            counts = []
            for (device, label), count in tuple(level.items()):
                count_now = min(most, max(0, count + drawn.choice((-1, 0, 0, 1))))
                level[device, label] = count_now
                counts.append(ZoneCount(ZONE, device, label, at.timestamp(), at, count_now))
            state, windows = release.step(state, counts, Moment(0.0, at))
            closed += [draft_window(window) for window in windows]
        yield now, closed
