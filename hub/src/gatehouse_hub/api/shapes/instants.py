"""Times that may be missing."""

from datetime import datetime

from gatehouse_shared.instants import format_instant


def instant_or_none(time: datetime | None) -> str | None:
    """Wire form of a time, None for none."""
    return None if time is None else format_instant(time)
