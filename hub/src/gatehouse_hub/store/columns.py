"""Reading columns: the type a column has is checked where its value enters the program.

A column of another type is a defect of a statement or a schema that was changed by hand: StoreError.
"""

from typing import Final

from gatehouse_hub.errors import StoreError
from gatehouse_hub.linking.priority import Priority
from gatehouse_hub.ports import Value


def text(value: Value) -> str:
    """A TEXT NOT NULL column."""
    if isinstance(value, str):
        return value
    raise StoreError(f"expected text, found {type(value).__name__}")


def integer(value: Value) -> int:
    """A BIGINT NOT NULL column."""
    if isinstance(value, int):
        return value
    raise StoreError(f"expected an integer, found {type(value).__name__}")


def flag(value: Value) -> bool:
    """A BIGINT column that holds 0 or 1."""
    return integer(value) != 0


def blob(value: Value) -> bytes:
    """A BYTES NOT NULL column."""
    if isinstance(value, bytes):
        return value
    raise StoreError(f"expected bytes, found {type(value).__name__}")


def text_or_none(value: Value) -> str | None:
    """A TEXT column that may be NULL."""
    return None if value is None else text(value)


def integer_or_none(value: Value) -> int | None:
    """A BIGINT column that may be NULL."""
    return None if value is None else integer(value)


_PRIORITIES: Final[dict[str, Priority]] = {"P1": "P1", "P2": "P2", "P3": "P3", "P4": "P4"}


def priority(value: Value) -> Priority:
    """A TEXT column that holds the priority of an incident."""
    found = _PRIORITIES.get(text(value))
    if found is None:
        raise StoreError(f"expected a priority, found {value!r}")
    return found
