"""How an attempt to tell somebody went, and when to try again. Pure; chance is an argument.

Waits   2 s, doubling to 10 min, each +-50 %; longer where the receiver asks for it, up to an hour. After ATTEMPTS_MAX attempts,
        half a day or so, it is given up.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

FIRST_S: Final = 2.0
MOST_S: Final = 600.0
ASKED_MOST_S: Final = 3_600.0
ATTEMPTS_MAX: Final = 80
DETAIL_MAX: Final = 200


class Outcome(StrEnum):
    """How it went."""

    ARRIVED = "arrived"
    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    NOT_HTTP = "not_http"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `detail` is for people; `retry_after_s` is what the receiver asked for."""

    outcome: Outcome
    detail: str = ""
    retry_after_s: float | None = None

    @property
    def reason(self) -> str:
        """What is kept of a failure, in at most DETAIL_MAX characters."""
        return f"{self.outcome}: {self.detail}"[:DETAIL_MAX] if self.detail else self.outcome.value


class Channel(Protocol):
    """A way to tell one consumer. Never raises; ends within `most_s`."""

    @property
    def most_s(self) -> float:
        """The longest that `send` may take."""
        ...

    def send(self, key: str, body: str, at_s: int) -> Attempt:
        """Tell it once. `key` is the idempotency key, `at_s` the time in seconds since 1970."""
        ...


def next_wait_s(failed_before: int, attempt: Attempt, chance: float) -> float | None:
    """Seconds until the next attempt after one that failed; None to give up. `chance` is from 0 to 1.

    >>> next_wait_s(0, Attempt(Outcome.TIMEOUT), 0.5), next_wait_s(20, Attempt(Outcome.TIMEOUT), 1.0)
    (2.0, 900.0)
    """
    if failed_before + 1 >= ATTEMPTS_MAX:
        return None
    wait_s = min(FIRST_S * 2.0 ** min(failed_before, 20), MOST_S) * (0.5 + chance)
    return max(wait_s, min(attempt.retry_after_s or 0.0, ASKED_MOST_S))
