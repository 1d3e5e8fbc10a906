"""What happens at a plot: counts, flows, readings and health one after another, and hazards with a beginning and an end. Pure.

The same seed gives the same rows in the same order; when they happen is the caller's.

Bounds  OPEN_MAX hazards are open at once; the next alarm row then clears the oldest.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from msgspec import UNSET

from gatehouse_hub.simulate.places import Plot
from gatehouse_shared.counts import Count, release_count, round_count
from gatehouse_shared.events import (
    AgeBand,
    Band,
    CountData,
    Data,
    FlowData,
    GatewayHealth,
    HazardData,
    HealthData,
    Measure,
    ReadingData,
)
from gatehouse_shared.names import HazardKind, Label, Phase, Quantity

OPEN_MAX: Final = 4

_STORIES: Final = (
    (HazardKind.LANE_BLOCKED, "lane", "cam_lane", "blocked", 2),
    (HazardKind.THERMAL_HOTSPOT, "shed", "thermal", "hot", 3),
    (HazardKind.FIRE_SMOKE, "shed", "smoke", "smoky", 3),
    (HazardKind.CROWD_DENSITY, "plaza", "cam_plaza", "crowded", 2),
    (HazardKind.PERIMETER_INTRUSION, "fence", "cam_fence", "intruded", 2),
    (HazardKind.HELP_BUTTON, "plaza", "button", "pressed", 4),
    (HazardKind.CAMERA_COVERED, "plaza", "cam_plaza", "crowded", 2),
)
"""Kind, zone, device, rule and grade of what may happen."""


@dataclass(slots=True)
class Life:
    """The life of one plot. `open_hazards` are by the number of their raised row."""

    plot: Plot
    random: Random
    open_hazards: dict[int, HazardData] = field(default_factory=dict[int, HazardData])

    def next_bulk(self) -> Data:
        """The next row of the bulk lane: seven counts of ten, else a reading, a flow or health."""
        turn = self.random.random()
        if turn < 0.7:
            return self._count()
        if turn < 0.85:
            return self._reading()
        return self._flow() if turn < 0.95 else self._health()

    def next_alarm(self, seq: int) -> HazardData:
        """The alarm row with number `seq`: a hazard begins, goes on, or ends."""
        turn = self.random.random()
        if not self.open_hazards or (turn < 0.4 and len(self.open_hazards) < OPEN_MAX):
            begun = self._raise(seq)
            self.open_hazards[seq] = begun
            return begun
        number = next(iter(self.open_hazards))
        before = self.open_hazards[number]
        if turn < 0.6 and len(self.open_hazards) < OPEN_MAX:
            return replace_phase(before, Phase.UPDATED)
        del self.open_hazards[number]
        return replace_phase(before, Phase.CLEARED)

    def forget(self) -> None:
        """Another outbox begins: what was open stays open for the hub, and is told no further."""
        self.open_hazards.clear()

    def _raise(self, seq: int) -> HazardData:
        plot, random = self.plot, self.random
        kind, zone, device, rule, grade = random.choice(_STORIES)
        crowd, hot = kind is HazardKind.CROWD_DENSITY, kind is HazardKind.THERMAL_HOTSPOT
        measure = Measure(
            quantity=Quantity.TEMPERATURE, value=700 + random.randrange(200), threshold=700
        )
        return HazardData(
            hazard=seq,
            phase=Phase.RAISED,
            kind=kind,
            zone=plot.name(zone),
            device=plot.name(device),
            rule=plot.name(rule),
            grade=grade,
            confidence=random.randrange(10, 21),
            confirm_s=random.choice((0, 1, 10, 30)) if not hot else random.randrange(30),
            armed=kind is HazardKind.PERIMETER_INTRUSION,
            drill=False,
            count=round_count(random.randrange(60, 300)) if crowd else UNSET,
            measure=measure if hot else UNSET,
        )

    def _count(self) -> CountData:
        plot, random = self.plot, self.random
        vehicles = random.random() < 0.3
        label = Label.CAR if vehicles else Label.PERSON
        mean = random.randrange(0 if vehicles else 1, 40)
        low: Count = release_count(label, mean)
        high: Count = release_count(label, mean + random.randrange(6))
        return CountData(
            zone=plot.name("lane" if vehicles else "plaza"),
            device=plot.name("cam_lane" if vehicles else "cam_plaza"),
            label=label,
            window_s=60,
            mean=low,
            max=high,
            coverage=random.randrange(15, 21),
            quality=random.randrange(12, 21),
        )

    def _reading(self) -> ReadingData:
        warm = self.random.random() < 0.5
        return ReadingData(
            device=self.plot.name("thermal" if warm else "gas"),
            quantity=Quantity.TEMPERATURE if warm else Quantity.GAS,
            value=self.random.randrange(150, 350) if warm else self.random.randrange(4),
        )

    def _flow(self) -> FlowData:
        label = Label.PERSON
        return FlowData(
            line=self.plot.name("line"),
            device=self.plot.name("cam_plaza"),
            label=label,
            in_=release_count(label, self.random.randrange(30)),
            out=release_count(label, self.random.randrange(30)),
            window_s=60 * self.random.randrange(1, 6),
        )

    def _health(self) -> HealthData:
        random = self.random
        return HealthData(
            gateway=GatewayHealth(
                cpu=random.randrange(2, 8),
                memory=random.randrange(3, 7),
                disk=random.randrange(1, 5),
                outbox_rows=Band.FEW,
                outbox_age=AgeBand.SECONDS,
            )
        )


def replace_phase(data: HazardData, phase: Phase) -> HazardData:
    """The same hazard later: what only a raised row may say is left out."""
    return HazardData(
        hazard=data.hazard,
        phase=phase,
        kind=data.kind,
        zone=data.zone,
        device=data.device,
        rule=data.rule,
        grade=data.grade,
        confidence=data.confidence,
        confirm_s=0,
        armed=data.armed,
        drill=data.drill,
        count=data.count if phase is Phase.UPDATED else UNSET,
        measure=data.measure,
    )
