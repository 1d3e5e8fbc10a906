"""The weights that are released with this version: a file beside this one, fitted to cases with known truth.

`parse_weights` reads any such file; what it does not know or lacks is refused. The expert table in `weights` stays as what to
fall back on and to compare with.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatehouse_hub.errors import WeightsError
from gatehouse_hub.linking.site_map import HOPS_NEAR
from gatehouse_hub.linking.weights import (
    AGE_BOUNDS_S,
    CLIP,
    DISTANCE_BOUNDS_M,
    TIME_BOUNDS_S,
    Busy,
    ByNovelty,
    Circumstance,
    Relation,
    Weights,
)
from gatehouse_shared.names import HazardKind

_Nats = Annotated[float, Meta(ge=-CLIP, le=CLIP)]
_Table = tuple[_Nats, ...]
FILE: Final = "learned.json"


class _ByNovelty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    again: _Table
    new: _Table


class _Busy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: _Nats
    kind_here: _Nats
    kind_on_site: _Nats
    site: _Nats
    kind_lately: _Nats


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$")]
    relations: dict[Relation, _Nats]
    pairs: dict[str, _Nats]
    times: dict[Circumstance, _Table]
    distances: _ByNovelty
    hop_steps: _ByNovelty
    ages: _ByNovelty
    latched: _Nats
    company: _Nats
    busy: _Busy
    link: _Nats = 1.0
    maybe: _Nats = 0.0


@cache
def released_weights() -> Weights:
    """What this version links by."""
    return parse_weights(files("gatehouse_hub.linking").joinpath(FILE).read_bytes())


def parse_weights(text: bytes) -> Weights:
    """The weights of a file. WeightsError says what is wrong with it."""
    try:
        found = msgspec.json.decode(text, type=_File)
        pairs = {_pair(name): nats for name, nats in found.pairs.items()}
    except (msgspec.DecodeError, ValueError) as error:
        raise WeightsError(str(error)) from None
    lengths = {
        "relations": (len(found.relations), len(Relation)),
        "times": (len(found.times), len(Circumstance)),
        **{f"times.{c}": (len(t), len(TIME_BOUNDS_S) + 1) for c, t in found.times.items()},
        **_lengths("distances", found.distances, len(DISTANCE_BOUNDS_M) + 1),
        **_lengths("hop_steps", found.hop_steps, HOPS_NEAR + 1),
        **_lengths("ages", found.ages, len(AGE_BOUNDS_S) + 1),
    }
    for name, (length, wanted) in lengths.items():
        if length != wanted:
            raise WeightsError(f"{name} has {length} entries, not {wanted}")
    return Weights(
        version=found.version,
        relations=found.relations,
        pairs=pairs,
        times=found.times,
        distances=ByNovelty(found.distances.again, found.distances.new),
        hop_steps=ByNovelty(found.hop_steps.again, found.hop_steps.new),
        ages=ByNovelty(found.ages.again, found.ages.new),
        latched=found.latched,
        company=found.company,
        busy=Busy(**msgspec.structs.asdict(found.busy)),
        link=found.link,
        maybe=found.maybe,
    )


def _pair(name: str) -> tuple[HazardKind, HazardKind]:
    earlier, _, later = name.partition(" ")
    return HazardKind(earlier), HazardKind(later)


def _lengths(name: str, tables: _ByNovelty, wanted: int) -> dict[str, tuple[int, int]]:
    return {
        f"{name}.again": (len(tables.again), wanted),
        f"{name}.new": (len(tables.new), wanted),
    }
