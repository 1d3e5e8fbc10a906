"""Waits for something to become true, so that no test sleeps for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEP_S = 0.01


def wait_until(predicate: Callable[[], T | None], timeout_s: float = 10.0, *, what: str = "") -> T:
    """The first true value of `predicate`. Raises AssertionError when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what or predicate}")
        time.sleep(STEP_S)
