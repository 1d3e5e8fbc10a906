"""Time on the wire: RFC 3339 UTC with exactly three decimals, floored to a step so that it says no more than it must."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

from msgspec import Meta

INSTANT_PATTERN: Final = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{3}Z(?![\s\S])"
)
Instant = Annotated[str, Meta(pattern=INSTANT_PATTERN, max_length=24)]
DAY_S: Final = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_instant(time: datetime) -> str:
    """Wire form of an aware time, cut (not rounded) to milliseconds.

    >>> format_instant(datetime(2026, 5, 4, 16, 0, 1, 999_999, tzinfo=UTC))
    '2026-05-04T16:00:01.999Z'
    """
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Aware UTC time of a wire instant. ValueError for a date that does not exist, such as 30 February."""
    return datetime.fromisoformat(text)


@lru_cache(maxsize=16_384)
def _minute_ms(minute: str) -> int:
    return to_ms(datetime.fromisoformat(f"{minute}00.000Z"))


def instant_ms(text: str) -> int:
    """Whole milliseconds since 1970 of a wire instant; the same as `to_ms(parse_instant(text))`, and faster.

    >>> instant_ms("2026-05-04T16:00:01.999Z") - instant_ms("2026-05-04T16:00:00.000Z")
    1999
    """
    return _minute_ms(text[:17]) + int(text[17:19]) * 1000 + int(text[20:23])


def floor_time(time: datetime, step_s: int) -> datetime:
    """The last whole step since 1970 at or before `time`.

    >>> floor_time(datetime(2026, 5, 4, 16, 0, 19, tzinfo=UTC), 10).second
    10
    """
    whole = int((time - _EPOCH) // timedelta(seconds=step_s))
    return _EPOCH + timedelta(seconds=whole * step_s)


def to_ms(time: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The time `ms` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=ms)
