"""Picking events and their data by kind, so that a type checker knows what a test reads."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def those(kind: type[T], things: Iterable[object]) -> list[T]:
    """The things of a kind, in their order."""
    return [thing for thing in things if isinstance(thing, kind)]


def each(kind: type[T], things: Iterable[object]) -> list[T]:
    """All the things, every one of which has to be of the kind."""
    found = list(things)
    wrong = [thing for thing in found if not isinstance(thing, kind)]
    assert not wrong, f"not {kind.__name__}: {wrong}"
    return those(kind, found)
