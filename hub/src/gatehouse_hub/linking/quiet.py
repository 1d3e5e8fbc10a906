"""From where rows must be linked again when one of them changes: the last quiet moment before it, at most a day back. Pure."""

from collections.abc import Sequence
from typing import Final

RECOMPUTE_MAX_MS: Final = 86_400_000


def restart_ms(times_ms: Sequence[int], changed_ms: int, window_s: int) -> int:
    """The time of the first row to link again.

    `times_ms` ascending, of the rows from a day before `changed_ms` on. Nothing before a gap longer than the window can
    touch what comes after it, so linking starts behind the last such gap before the change.
    """
    start = changed_ms
    for time_ms in reversed([t for t in times_ms if t <= changed_ms]):
        if start - time_ms > window_s * 1000:
            break
        start = time_ms
    return max(start, changed_ms - RECOMPUTE_MAX_MS)
