"""From what a local sensor says to a reading: which field, and what it means. Pure, but for a clock that is handed in.

A message is JSON, or a bare word or number. A mapping yields a boolean, a registered quantity or counted passages, and
nothing else: no string of a sensor ever goes further than this module. What does not fit gives no reading, and a reason for
the log.
Bounds  messages of at most PAYLOAD_MAX bytes; field paths of at most 8 steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, isfinite
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from gatehouse_edge.ports import Clock
from gatehouse_edge.values import Reading
from gatehouse_shared.names import QUANTITIES, Quantity

PAYLOAD_MAX: Final = 65_536
PASSED_MAX: Final = 10_000
"""More passages than this in one message are a counter's fault, not people."""

Scalar = bool | int | float | str | None
FieldPath = Annotated[
    str,
    Meta(pattern=r"^$|^[A-Za-z0-9_-]{1,64}([.][A-Za-z0-9_-]{1,64}){0,7}(?![\s\S])", max_length=520),
]
Values = Annotated[tuple[bool | int | float | str, ...], Meta(max_length=32)]


class Mapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the three mappings have in common: an unknown key is refused."""


class StateMap(Mapped, frozen=True, kw_only=True):
    """A boolean. `means_true`: values of `field` that mean open, pressed, present; `means_false`: those that mean the opposite.

    Without `means_false` every other value means the opposite; with it, what is in neither list says nothing. An empty `field` is
    the whole message.
    """

    field: FieldPath
    means_true: Annotated[Values, Meta(min_length=1)]
    means_false: Values = ()


class QuantityMap(Mapped, frozen=True, kw_only=True):
    """A registered quantity: value = number * scale + offset, in the quantity's unit."""

    field: FieldPath
    quantity: Quantity
    scale: Annotated[float, Meta(ge=-1e6, le=1e6)] = 1.0
    offset: Annotated[float, Meta(ge=-1e6, le=1e6)] = 0.0


class CounterMap(Mapped, frozen=True, kw_only=True):
    """Counted passages, inward and outward. `total`: the fields count from the device's start, and the difference is taken."""

    in_: FieldPath = msgspec.field(name="in")
    out: FieldPath
    total: bool = False


class OneMapping(Protocol):
    """A device's mapping: exactly one of the three."""

    @property
    def state(self) -> StateMap | None:
        """Of a device that says yes or no."""
        ...

    @property
    def quantity(self) -> QuantityMap | None:
        """Of one that measures."""
        ...

    @property
    def counter(self) -> CounterMap | None:
        """Of one that counts."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What a message came to; exactly one is set, or `reason` says why none is."""

    state: bool | None = None
    quantity: Quantity | None = None
    value: int | None = None
    passed: tuple[int, int] | None = None
    reason: str = ""


def read_payload(payload: bytes) -> object:
    """JSON, else the text itself (some sensors send `ON`). ValueError for what is neither, or too large."""
    if len(payload) > PAYLOAD_MAX:
        raise ValueError(f"{len(payload)} bytes, at most {PAYLOAD_MAX}")
    try:
        return msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return payload.decode("utf-8").strip()
    except RecursionError:
        raise ValueError("nested too deep") from None


def pick(message: object, path: str) -> Scalar:
    """The value at a dotted path; None where there is none or it is no scalar.

    >>> pick({"state": {"contact": False}}, "state.contact")
    False
    """
    for step in path.split(".") if path else ():
        if not isinstance(message, Mapping):
            return None
        message = message.get(step)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return message if isinstance(message, bool | int | float | str) else None


def map_state(rule: StateMap, message: object) -> Said:
    """The boolean that a message means."""
    value = pick(message, rule.field)
    if value is None:
        return Said(reason=f"no value at {rule.field!r}")
    if _is_among(value, rule.means_true):
        return Said(state=True)
    if not rule.means_false or _is_among(value, rule.means_false):
        return Said(state=False)
    return Said(reason=f"{rule.field!r} is in neither list")


def map_quantity(rule: QuantityMap, message: object) -> Said:
    """The quantity that a message means, in whole steps, half up; nothing outside its range."""
    value = pick(message, rule.field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return Said(reason=f"no number at {rule.field!r}")
    spec = QUANTITIES[rule.quantity]
    steps = (value * rule.scale + rule.offset) / spec.step
    if not spec.low <= steps <= spec.high:
        return Said(reason=f"{rule.field!r} is outside the range of {rule.quantity}")
    return Said(quantity=rule.quantity, value=floor(steps + 0.5))


def map_counter(
    rule: CounterMap, message: object, before: tuple[int, int] | None
) -> tuple[Said, tuple[int, int] | None]:
    """Passages since the last message, and the totals to remember. The first totals, and totals that went back, only start
    the count.
    """
    inward, outward = pick(message, rule.in_), pick(message, rule.out)
    if not (_is_count(inward) and _is_count(outward)):
        return Said(reason="no whole numbers in both fields"), before
    assert isinstance(inward, int)
    assert isinstance(outward, int)
    now = (inward, outward)
    if not rule.total:
        passed = now
    elif before is None or now[0] < before[0] or now[1] < before[1]:
        return Said(reason="a new count begins"), now
    else:
        passed = (now[0] - before[0], now[1] - before[1])
    if max(passed) > PASSED_MAX:
        return Said(reason=f"more than {PASSED_MAX} passages at once"), now
    return Said(passed=passed), now


class Translator:
    """What the messages of some devices mean, by the one mapping that each has. Remembers totals, while the process lives."""

    def __init__(self, rules: Mapping[str, OneMapping], clock: Clock) -> None:
        self._rules, self._clock = rules, clock
        self._totals: dict[str, tuple[int, int]] = {}

    def reading(self, device: str, message: object) -> Reading | str:
        """A reading of now; or why there is none, which may be asked again with every message."""
        said = self._said(device, message)
        if said.reason:
            return said.reason
        return Reading(
            device=device,
            time=self._clock.now(),
            at=self._clock.monotonic_s(),
            state=said.state,
            quantity=said.quantity,
            value=said.value,
            passed=said.passed,
        )

    def _said(self, device: str, message: object) -> Said:
        rule = self._rules[device]
        if rule.state is not None:
            return map_state(rule.state, message)
        if rule.quantity is not None:
            return map_quantity(rule.quantity, message)
        assert rule.counter is not None
        said, totals = map_counter(rule.counter, message, self._totals.get(device))
        if totals is not None:
            self._totals[device] = totals
        return said


def _is_count(value: Scalar) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_among(value: Scalar, values: Values) -> bool:
    """Equal and of one kind: `true` is not 1, and "1" is not 1."""
    kind = str if isinstance(value, str) else bool if isinstance(value, bool) else float
    return any(_kind(one) is kind and one == value for one in values)


def _kind(value: Scalar) -> type:
    return str if isinstance(value, str) else bool if isinstance(value, bool) else float
