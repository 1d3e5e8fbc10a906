"""How often rows like this one begin anew: onsets, counted from the rows alone and not from what they were linked to.

An onset is a row whose kind has not been raised in its zone for `ONSET_QUIET_MS`, so that a hazard that flutters counts once.
Since the counts depend on rows only, a linker that starts again in the middle needs the rows of `REACH_MS` before and nothing
else. Bounds: one entry an onset of the last day, one a kind and zone heard of.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.weights import Busy
from gatehouse_shared.names import HazardKind

ONSET_QUIET_MS: Final = 120_000
DAY_MS: Final = 86_400_000
LATELY_MS: Final = 7_200_000
REACH_MS: Final = DAY_MS + ONSET_QUIET_MS


@dataclass(frozen=True, slots=True)
class Onsets:
    """How many there were before a row: of its kind in its zone and on the site in a day; of all kinds on the site and of its
    kind in its zone in two hours.
    """

    kind_here: int
    kind_on_site: int
    site: int
    kind_lately: int


class Busyness:
    """The counts of one site, fed with its rows in order of time."""

    def __init__(self) -> None:
        self._day: deque[tuple[int, HazardKind, str]] = deque()
        self._lately: deque[tuple[int, HazardKind, str]] = deque()
        self._here: dict[tuple[HazardKind, str], int] = {}
        self._on_site: dict[HazardKind, int] = {}
        self._here_lately: dict[tuple[HazardKind, str], int] = {}
        self._latest: dict[tuple[HazardKind, str], int] = {}

    @property
    def entries(self) -> int:
        """How much is remembered."""
        return len(self._day) + len(self._here) + len(self._here_lately) + len(self._latest)

    def step(self, row: AlarmRow) -> Onsets:
        """What went before this row; then it counts itself."""
        self._forget(row.time_ms)
        key = row.kind, row.zone
        found = Onsets(
            kind_here=self._here.get(key, 0),
            kind_on_site=self._on_site.get(row.kind, 0),
            site=len(self._lately),
            kind_lately=self._here_lately.get(key, 0),
        )
        latest = self._latest.get(key)
        if latest is None or row.time_ms - latest > ONSET_QUIET_MS:
            self._day.append((row.time_ms, *key))
            self._lately.append((row.time_ms, *key))
            self._here_lately[key] = found.kind_lately + 1
            self._here[key] = found.kind_here + 1
            self._on_site[row.kind] = found.kind_on_site + 1
        self._latest[key] = row.time_ms
        return found

    def _forget(self, now_ms: int) -> None:
        while self._lately and self._lately[0][0] < now_ms - LATELY_MS:
            _, kind, zone = self._lately.popleft()
            self._here_lately[kind, zone] -= 1
            if not self._here_lately[kind, zone]:
                del self._here_lately[kind, zone]
        while self._day and self._day[0][0] < now_ms - DAY_MS:
            _, kind, zone = self._day.popleft()
            self._on_site[kind] -= 1
            left = self._here[kind, zone] - 1
            if left:
                self._here[kind, zone] = left
                continue
            del self._here[kind, zone]
            # A hazard that has fluttered for a day without an onset is still going on.
            if self._latest[kind, zone] < now_ms - ONSET_QUIET_MS:
                del self._latest[kind, zone]


def against(onsets: Onsets, busy: Busy) -> float:
    """What the busyness speaks against any link, in nats."""
    return (
        busy.base
        + busy.kind_here * math.log1p(onsets.kind_here)
        + busy.kind_on_site * math.log1p(onsets.kind_on_site)
        + busy.site * math.log1p(onsets.site)
        + busy.kind_lately * math.log1p(onsets.kind_lately)
    )
