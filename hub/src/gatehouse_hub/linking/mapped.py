"""Other people's alert logs as rows: what `gatehouse-hub replay --map` reads. Pure.

A mapping file says which column is what and, where it can, which of our kinds one of theirs is. A kind that it does not name
stays a word of the log: two such rows are of the same kind or of different ones, and nothing is known of what explains what.
Places without coordinates stand 100 m apart.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import combinations
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from gatehouse_hub.errors import MappingError
from gatehouse_hub.linking.linker import link_rows
from gatehouse_hub.linking.repeats import distinct
from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.scoring import LinkingScore, score_partition
from gatehouse_hub.linking.site_map import SiteMap, map_places
from gatehouse_hub.linking.weights import Weights
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardKind

PLACE_STEP_M: Final = 100.0
PLACES_MAX: Final = 1_000
ADJOIN_ALL_MAX: Final = 200
TEXT_MAX: Final = 200
_Text = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]


class TimeUnit(StrEnum):
    """How the log writes times."""

    ISO = "iso"
    S = "s"
    MS = "ms"


class AlertMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping file: names of columns, then what some of their values mean.

    `zone` where it happened; `x_m`, `y_m` columns of coordinates in metres; `kinds` their word -> our kind; `adjoining` pairs of
    places one can walk between, or `all`; `noise` values of the truth column of alerts that are part of nothing.
    """

    time: _Text
    zone: _Text
    kind: _Text
    device: _Text | None = None
    x_m: _Text | None = None
    y_m: _Text | None = None
    time_unit: TimeUnit = TimeUnit.ISO
    kinds: Mapping[str, HazardKind] = {}
    adjoining: tuple[tuple[str, str], ...] | str = ()
    noise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MappedLog:
    """A log as rows on a map, with the truth of each row."""

    rows: tuple[AlarmRow, ...]
    site_map: SiteMap
    truth: Mapping[str, str]
    noise: frozenset[str]


def parse_map(tree: object) -> AlertMap:
    """A checked mapping. MappingError says what is wrong with it."""
    try:
        found = msgspec.convert(tree, AlertMap)
    except msgspec.ValidationError as error:
        raise MappingError(str(error)) from None
    if isinstance(found.adjoining, str) and found.adjoining != "all":
        raise MappingError(f"adjoining is {found.adjoining!r}, neither a list of pairs nor all")
    return found


def read_log(records: Iterable[Mapping[str, Any]], alert_map: AlertMap, truth: str) -> MappedLog:
    """The rows of a log. MappingError names the first record that cannot be read."""
    rows: list[AlarmRow] = []
    true: dict[str, str] = {}
    places: dict[str, tuple[float, float, int]] = {}
    for number, record in enumerate(records, 1):
        try:
            row = _row(record, alert_map, number, places)
            true[row.id] = _column(record, truth)
        except (KeyError, ValueError, OverflowError) as error:
            raise MappingError(f"record {number}: {_said(error)}") from None
        rows.append(row)
        if len(places) > PLACES_MAX:
            raise MappingError(f"record {number}: more than {PLACES_MAX} places")
    return MappedLog(
        tuple(rows),
        map_places(places, _pairs(alert_map, sorted(places))),
        true,
        frozenset(alert_map.noise),
    )


def score_log(log: MappedLog, weights: Weights) -> LinkingScore:
    """Link a log and compare with its truth; what the log repeats within a minute counts with the row it repeats."""
    once = distinct(log.rows)
    incidents = link_rows(once.rows, log.site_map, weights)
    where = {row.id: incident.id for incident in incidents for row in incident.rows}
    found = {row: where[first] for row, first in once.said_by.items()}
    return score_partition(found, log.truth, log.noise)


def _row(
    record: Mapping[str, Any],
    alert_map: AlertMap,
    number: int,
    places: dict[str, tuple[float, float, int]],
) -> AlarmRow:
    zone, word = _column(record, alert_map.zone), _column(record, alert_map.kind)
    if alert_map.x_m and alert_map.y_m:
        x_m, y_m = float(_column(record, alert_map.x_m)), float(_column(record, alert_map.y_m))
        places.setdefault(zone, (x_m, y_m, 0))
    else:
        x_m, y_m, _ = places.setdefault(zone, (len(places) * PLACE_STEP_M, 0.0, 0))
    # An unnamed kind passes as it is: linking compares it and asks for its class, T, and nothing else.
    kind = alert_map.kinds.get(word) or cast("HazardKind", word)
    return AlarmRow(
        id=hashlib.sha256(f"record {number}".encode()).hexdigest()[:32],
        time_ms=_time_ms(record, alert_map),
        gateway="log",
        epoch="0" * 16,
        hazard=number,
        kind=kind,
        zone=zone,
        device=_column(record, alert_map.device) if alert_map.device else zone,
        grade=3,
        drill=False,
        x_m=x_m,
        y_m=y_m,
        level=0,
    )


def _time_ms(record: Mapping[str, Any], alert_map: AlertMap) -> int:
    text = _column(record, alert_map.time)
    if alert_map.time_unit is TimeUnit.ISO:
        time = datetime.fromisoformat(text)
        return to_ms(time if time.tzinfo else time.replace(tzinfo=UTC))
    return round(float(text) * (1000 if alert_map.time_unit is TimeUnit.S else 1))


def _column(record: Mapping[str, Any], name: str) -> str:
    value = record[name]
    return "" if value is None else str(value)[:TEXT_MAX]


def _pairs(alert_map: AlertMap, places: list[str]) -> Iterable[tuple[str, str]]:
    if not isinstance(alert_map.adjoining, str):
        return alert_map.adjoining
    if len(places) > ADJOIN_ALL_MAX:
        raise MappingError(f"{len(places)} places cannot all adjoin; name the pairs")
    return combinations(places, 2)


def _said(error: Exception) -> str:
    return f"there is no column {error}" if isinstance(error, KeyError) else str(error)
