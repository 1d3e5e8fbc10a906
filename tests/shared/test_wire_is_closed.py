"""The wire cannot carry what it should not: every field by type, every name, and the sum of what a row may say freely."""

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from gatehouse_shared import classes, counts
from gatehouse_shared.commands import NACKS, REQUESTS, RESPONSES, Ack, ConfigOffer
from gatehouse_shared.events import AgeBand, Band, CameraState, Event, HazardData
from gatehouse_shared.names import QUANTITIES, HazardClass, HazardKind, Quantity, class_of
from gatehouse_shared.out import IncidentOut, SiteStatusOut, ZoneOut
from gatehouse_shared.states import STATES

SENT: list[Any] = [
    *(Event, *STATES, Ack, *NACKS, ConfigOffer, IncidentOut, SiteStatusOut, ZoneOut),
    *REQUESTS.values(),
    *RESPONSES.values(),
]
FORBIDDEN_WORDS = (
    *(
        "face",
        "plate",
        "embedding",
        "reid",
        "biometric",
        "gender",
        "age_group",
        "ethnic",
        "emotion",
    ),
    *(
        "identity",
        "person_id",
        "track",
        "crop",
        "image",
        "jpeg",
        "vector",
        "feature",
        "mac",
        "imei",
    ),
)
REGISTERED_NAMES = {
    "plate"
}  # the verb that asks for a scene plate: a picture of the place, without persons


def faults(kind: Any) -> Iterator[str]:
    """What the field-by-field walk finds wrong with a wire type."""
    seen: set[type] = set()

    def walk(node: inspect.Type, path: str) -> Iterator[str]:
        match node:
            case inspect.StructType():
                if node.cls in seen:
                    return
                seen.add(node.cls)
                config = node.cls.__struct_config__
                if not config.forbid_unknown_fields:
                    yield f"{path}: takes unknown fields"
                for field in node.fields:
                    if any(word in field.encode_name for word in FORBIDDEN_WORDS):
                        yield f"{path}.{field.encode_name}: forbidden name"
                    yield from walk(field.type, f"{path}.{field.encode_name}")
            case inspect.UnionType():
                for part in node.types:
                    yield from walk(part, path)
            case inspect.Metadata():
                yield from walk(node.type, path)
            case inspect.StrType():
                if node.max_length is None or node.pattern is None:
                    yield f"{path}: free text"
            case inspect.IntType():
                if node.ge is None or node.le is None:
                    yield f"{path}: integer without a range"
            case inspect.VarTupleType() | inspect.ListType():
                if node.max_length is None:
                    yield f"{path}: unbounded list"
                if not isinstance(node.item_type, inspect.StructType):
                    yield f"{path}: list of bare values"
                yield from walk(node.item_type, f"{path}[]")
            case inspect.EnumType() | inspect.LiteralType() | inspect.BoolType():
                pass
            case inspect.CustomType() | inspect.RawType() | inspect.AnyType():
                yield f"{path}: anything goes"
            case _ if type(node).__name__ == "UnsetType":
                pass
            case _:
                yield f"{path}: {type(node).__name__} is not for the wire"

    yield from walk(inspect.type_info(kind), getattr(kind, "__name__", "union"))


@pytest.mark.parametrize("kind", SENT, ids=lambda k: getattr(k, "__name__", "union"))
def test_every_field_that_is_sent_is_closed(kind: Any) -> None:
    assert list(faults(kind)) == []


class _Sub(msgspec.Struct, forbid_unknown_fields=True):
    numbers: tuple[int, ...]


@pytest.mark.parametrize(
    ("field", "kind", "fault"),
    [
        ("note", str, "free text"),
        ("face_crop", bytes, "forbidden name"),
        ("body", bytes, "not for the wire"),
        ("score", float, "not for the wire"),
        ("vector_of_ints", list[int], "list of bare values"),
        ("anything", Any, "not for the wire"),
        ("raw", msgspec.Raw, "not for the wire"),
        ("size", int, "integer without a range"),
        ("sub", _Sub, "unbounded list"),
        ("mapping", dict[str, int], "not for the wire"),
    ],
)
def test_a_planted_field_is_found(field: str, kind: Any, fault: str) -> None:
    planted = msgspec.defstruct("Planted", [(field, kind)], forbid_unknown_fields=True)
    assert any(fault in found or "anything goes" in found for found in faults(planted))


def test_an_open_struct_is_found() -> None:
    planted = msgspec.defstruct("Planted", [("ok", bool)])
    assert any("unknown fields" in found for found in faults(planted))


BUDGETS = {"t": 56.0, "c": 40.0, "p": 24.0, "h": 32.0, "bulk": 24.0}
GRADE, CONFIDENCE, DAY = math.log2(4), math.log2(21), 86_400


def _bits(*choices: float) -> float:
    return sum(math.log2(choice) for choice in choices)


def hazard_bits(kind: HazardKind) -> dict[str, float]:
    """Free bits of each form of row of a kind: what schema and class leave open beside key, site file and state.

    Kind, zone, device and rule are one choice of the site file's rules; armed, drill and phase are state; quantity and
    threshold are the rule's parameters; evidence is one of sixty plate numbers.
    """
    hazard_class = class_of(kind)
    step = 10 if kind is HazardKind.PERSON_DOWN else classes.TIME_STEPS_S[hazard_class]
    always = _bits(DAY / step) + GRADE + CONFIDENCE
    confirm = _bits(len(counts.CONFIRM_STEPS_S[hazard_class]))
    count = _bits(20_000 - 9)
    measure = max(_bits(spec.high - spec.low + 1) for spec in QUANTITIES.values())
    evidence, raises = _bits(60), _bits(20)
    cells = {k: _bits(v) for k, v in classes.PLACE_CELLS.items()}
    if hazard_class is HazardClass.THING:
        placed = _bits(classes.MEASURED_PLACE_CELLS) + measure
        return {
            "raised": always + confirm + max(cells[hazard_class], placed, measure),
            "updated": always + measure + evidence,
        }
    if hazard_class is HazardClass.CROWD:  # cells and counts share one budget when both are there
        return {
            "raised": always + confirm + max(cells[hazard_class], count),
            "updated": always + count + evidence,
        }
    if hazard_class is HazardClass.PRESENCE:
        return {"raised": always + confirm, "updated": always + raises}
    if kind is HazardKind.PERSON_DOWN:
        return {"raised": always + confirm + cells[hazard_class], "updated": always + evidence}
    return {
        "raised": always + max(confirm, cells[hazard_class]),
        "updated": always + evidence,
    }


def bulk_bits() -> dict[str, float]:
    """Free bits of bulk rows. Windows follow one another without choice, so their start and label are state."""
    registered = sum(counts.is_registered_count(n) for n in range(10, counts.COUNT_MAX + 1))
    values = registered + 2  # zero and lt10
    ordered = values * (values + 1) / 2  # mean is never above max
    return {
        "count": _bits(ordered, 21, 21),
        "flow": _bits(values, values, len(counts.FLOW_WINDOWS_S)),
        "health of a camera": _bits(len(CameraState), 11, 11, len(Band)),
        "health of a gateway": _bits(11, 11, 11, len(Band), len(AgeBand)),
    }


def test_what_a_row_may_say_freely_stays_within_its_budget(
    capsys: pytest.CaptureFixture[str],
) -> None:
    worst: dict[str, tuple[float, str]] = {}
    for kind in HazardKind:
        for phase, bits in hazard_bits(kind).items():
            worst[class_of(kind)] = max(
                worst.get(class_of(kind), (0.0, "")), (bits, f"{kind} {phase}")
            )
    worst["bulk"] = max((bits, name) for name, bits in bulk_bits().items())
    with capsys.disabled():
        print(
            "\nfree bits:",
            ", ".join(f"{c} {b:.1f}/{BUDGETS[c]:.0f} ({w})" for c, (b, w) in worst.items()),
        )
    over = {c: (bits, what) for c, (bits, what) in worst.items() if bits > BUDGETS[c]}
    assert over == {}


def test_the_budget_counts_every_field_of_a_hazard() -> None:
    counted = {
        "grade",
        "confidence",
        "confirm_s",
        "count",
        "measure",
        "place",
        "evidence",
        "count_raises",
    }
    fixed = {"hazard", "phase", "kind", "zone", "device", "rule", "armed", "drill"}
    assert {f.encode_name for f in msgspec.structs.fields(HazardData)} == counted | fixed
    assert set(QUANTITIES) == set(Quantity)
