"""Parameters of rules: typed, with unit, range, default and source, and errors that say all of it.

A rule's parameters are a msgspec struct whose fields are `Annotated[float, limits(...)]`; from the same struct come the
check of a site file, `seeds/rules/default.yaml` and the tables of the docs.
Source tags: `F` found in a public source, `G` general knowledge, `M` measured by us, `O` ours, untested in the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from gatehouse_edge.errors import RuleConfigError

FOUND: Final = "F"
GENERAL: Final = "G"
MEASURED: Final = "M"
OURS: Final = "O"


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of one kind of rule."""


P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One parameter as a person reads it."""

    name: str
    unit: str
    low: float
    high: float
    default: float | int | bool
    source: str
    about: str


def limits(unit: str, low: float, high: float, source: str, about: str) -> Meta:
    """What is allowed and meant; goes into `Annotated`."""
    return Meta(ge=low, le=high, description=about, extra={"unit": unit, "source": source})


def specs(params: type[Params]) -> tuple[ParamSpec, ...]:
    """The parameters of a kind, in the order of the struct."""
    hints = get_type_hints(params, include_extras=True)
    return tuple(_spec(f.name, hints[f.name], f.default) for f in msgspec.structs.fields(params))


def _spec(name: str, hint: object, default: object) -> ParamSpec:
    args: tuple[object, ...] = get_args(hint)
    meta = next((a for a in args if isinstance(a, Meta)), None)
    if (
        get_origin(hint) is not Annotated
        or meta is None
        or not isinstance(default, bool | int | float)
    ):
        raise TypeError(f"parameter {name} lacks limits or a default")
    extra = meta.extra or {}
    return ParamSpec(
        name=name,
        unit=str(extra.get("unit", "")),
        low=0 if meta.ge is None else meta.ge,
        high=0 if meta.le is None else meta.le,
        default=default,
        source=str(extra.get("source", "")),
        about=meta.description or "",
    )


def read_params(params: type[P], given: Mapping[str, float | int | bool], place: str) -> P:
    """The parameters with what a site file gives. RuleConfigError names the rule, the parameter and its range."""
    known = {s.name: s for s in specs(params)}
    for name, value in given.items():
        spec = known.get(name)
        if spec is None:
            raise RuleConfigError(
                f"there is no parameter {name!r}",
                place=place,
                remedy=f"Use one of {', '.join(sorted(known))}",
            )
        _check(spec, value, place)
    return msgspec.convert(dict(given), params)


def _check(spec: ParamSpec, value: float | int | bool, place: str) -> None:
    whole = isinstance(spec.default, int) and not isinstance(spec.default, bool)
    fits = not isinstance(value, bool) and spec.low <= value <= spec.high
    if not fits or (whole and value != int(value)):
        unit = f" {spec.unit}" if spec.unit else ""
        kind = "a whole number" if whole else "a number"
        raise RuleConfigError(
            f"{spec.name} is {value!r}",
            place=place,
            remedy=f"Give {kind} from {spec.low:g} to {spec.high:g}{unit}; {spec.default:g} is the default",
        )
