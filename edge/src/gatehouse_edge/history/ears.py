"""What a rule must be told while it waits for nothing: everything else leaves its memory and its sample as they are.

A row for each sense whose hearing is known; any other hears all that its devices say, and every tick. A test compares a replay
by these rows with one that leaves nothing out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gatehouse_edge.rules.crowd_density import CrowdSense
from gatehouse_edge.rules.crowd_surge import SurgeSense
from gatehouse_edge.rules.door_forced import DoorForcedSense
from gatehouse_edge.rules.dwell import DwellSense
from gatehouse_edge.rules.intercom_unanswered import IntercomSense
from gatehouse_edge.rules.lane_blocked import LaneSense
from gatehouse_edge.rules.observations import (
    Acknowledged,
    DrillOrder,
    Looked,
    MaintenanceOrder,
    Moment,
    Observation,
    PluginSample,
)
from gatehouse_edge.rules.parking_full import ParkingSense
from gatehouse_edge.rules.plugin_rule import PluginSense
from gatehouse_edge.rules.rate_below_floor import RateSense
from gatehouse_edge.rules.reading_out_of_range import RangeSense
from gatehouse_edge.rules.rule import Memory, Rule, Sense
from gatehouse_edge.rules.state_sensor import StateSense
from gatehouse_edge.rules.supply import SupplySense
from gatehouse_edge.rules.thermal_hotspot import ThermalSense
from gatehouse_edge.rules.trigger import Sample
from gatehouse_edge.values import Reading, ThermalSample, Tracks

ORDERS: Final = (Acknowledged, DrillOrder, MaintenanceOrder)
"""What everybody hears, and takes a whole step."""
ORDER_NAMES: Final = frozenset(kind.__name__ for kind in ORDERS)
FRAMES: Final = Tracks.__name__


@dataclass(frozen=True, slots=True)
class RecordedSense:
    """Says again what a rule found then."""

    rule: str

    def sense(
        self,
        memory: Memory,
        observation: Observation,
        now: Moment,  # noqa: ARG002 - what a Sense is given
    ) -> tuple[Memory, Sample | None]:
        """The sample that was kept with this observation."""
        samples = getattr(observation, "samples", None)
        if samples is not None:
            return memory, samples.get(self.rule)
        rule: str | None = getattr(observation, "rule", None)
        sample: Sample | None = getattr(observation, "sample", None)
        return memory, sample if rule == self.rule else None


@dataclass(frozen=True, slots=True)
class Ears:
    """What some rules hear of `zones`: their signals, their counts. `samples`: the rules whose samples of then they say again.

    `kinds`: other observations by name, None for all; `life`: every frame is a sign of life; `ticks`: time alone may make
    something true. `repeats`: once something is true, whatever is heard says so again, and may be what raises it.
    """

    zones: frozenset[str] = frozenset()
    samples: frozenset[str] = frozenset()
    signals: bool = False
    counts: bool = False
    kinds: frozenset[str] | None = frozenset()
    life: bool = False
    ticks: bool = False
    repeats: bool = False

    def hears(self, kind: str, zone: str) -> bool:
        """Whether observations of this name and zone (empty for none) are heard; frames are asked for by their parts."""
        if kind in ORDER_NAMES:
            return True
        return zone in ("", *self.zones) and (self.kinds is None or kind in self.kinds)


_SIGNALS: Final = Ears(signals=True)
_COUNTS: Final = Ears(signals=True, counts=True)
_READINGS: Final = Ears(kinds=frozenset({Reading.__name__}), repeats=True)
_ALL: Final = Ears(signals=True, counts=True, kinds=None, life=True, ticks=True, repeats=True)
_BY_SENSE: Final[dict[type, Ears]] = {
    RecordedSense: Ears(),
    LaneSense: _SIGNALS,
    DwellSense: _SIGNALS,
    ParkingSense: _SIGNALS,
    CrowdSense: _COUNTS,
    SurgeSense: _COUNTS,
    RateSense: Ears(kinds=frozenset({Looked.__name__})),
    ThermalSense: Ears(kinds=frozenset({ThermalSample.__name__})),
    PluginSense: Ears(kinds=frozenset({PluginSample.__name__})),
    StateSense: _READINGS,
    DoorForcedSense: _READINGS,
    IntercomSense: _READINGS,
    RangeSense: _READINGS,
    SupplySense: _READINGS,
}
MEMORYLESS: Final = (RecordedSense, LaneSense, DwellSense, RateSense, PluginSense)
"""Senses whose sample is of one observation and nothing before it."""


def ears_of(rules: Iterable[Rule]) -> Ears:
    """What any of these rules hears."""
    chosen = list(rules)
    own = [_row(rule.sense) for rule in chosen]
    kinds = [ears.kinds for ears in own]
    return Ears(
        zones=frozenset(rule.binding.zone for rule in chosen),
        samples=frozenset(
            rule.binding.rule for rule in chosen if isinstance(rule.sense, RecordedSense)
        ),
        signals=any(ears.signals for ears in own),
        counts=any(ears.counts for ears in own),
        kinds=None if None in kinds else frozenset(k for names in kinds if names for k in names),
        life=any(ears.life for ears in own),
        ticks=any(ears.ticks for ears in own),
        repeats=any(ears.repeats for ears in own),
    )


def _row(sense: Sense) -> Ears:
    return _BY_SENSE.get(type(sense), _ALL)
