"""Weights: what is released reads, what is wrong is refused with a reason, what explains what is a relation of kinds."""

import json
from importlib.resources import files
from typing import Any

import pytest

from gatehouse_hub.errors import WeightsError
from gatehouse_hub.linking.causes import CAUSES
from gatehouse_hub.linking.released import FILE, parse_weights, released_weights
from gatehouse_hub.linking.weights import CLIP, EXPERT, Relation, Weights, relation_of
from gatehouse_shared.names import HazardKind


def released() -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(files("gatehouse_hub.linking").joinpath(FILE).read_bytes())
    return tree


def test_the_released_weights_are_read_once_and_named() -> None:
    assert released_weights() is released_weights()
    assert released_weights().version == released()["version"] != EXPERT.version


def with_change(path: str, value: object) -> bytes:
    tree = released()
    *inner, last = path.split(".")
    at = tree
    for name in inner:
        at = at[name]
    at[last] = value
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        pytest.param("surprise", 1, "unknown field", id="a key nobody knows"),
        pytest.param("version", "Two words", "version", id="a name that is none"),
        pytest.param("latched", 60.0, "latched", id="beyond the clip"),
        pytest.param("pairs", {"fire_smoke nothing": 1.0}, "nothing", id="a kind nobody knows"),
        pytest.param("ages.again", [0.0], "ages.again has 1 entries", id="too short a table"),
        pytest.param(
            "relations", {"same": 1.0}, "relations has 1 entries", id="a relation missing"
        ),
    ],
)
def test_what_is_wrong_is_refused(path: str, value: object, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        parse_weights(with_change(path, value))


@pytest.mark.parametrize("weights", [EXPERT, released_weights()], ids=["expert", "released"])
def test_tables_lie_within_the_clip(weights: Weights) -> None:
    tables = [
        *weights.times.values(), weights.distances.again, weights.distances.new, weights.hop_steps.again,
        weights.hop_steps.new, weights.ages.again, weights.ages.new, tuple(weights.pairs.values()),
    ]  # fmt: skip
    assert all(-CLIP <= nats <= CLIP for table in tables for nats in table)


def test_a_pair_of_kinds_has_one_relation_each_way() -> None:
    assert relation_of(HazardKind.FIRE_SMOKE, HazardKind.FIRE_SMOKE) is Relation.SAME
    assert relation_of(HazardKind.FIRE_SMOKE, HazardKind.LANE_BLOCKED) is Relation.CAUSE
    assert relation_of(HazardKind.LANE_BLOCKED, HazardKind.FIRE_SMOKE) is Relation.TURNED
    assert relation_of(HazardKind.LANE_BLOCKED, HazardKind.BATTERY_LOW) is Relation.OTHER
    assert all(earlier is not later and 0 < nats <= 3 for (earlier, later), nats in CAUSES.items())
