"""The walker probe: lone night walks through six zones, against what the hub joins and what it lets out.

Raw presence rows and raw passages can be chained by anyone who reads them; the control below shows that these attackers do so.
What is joined and published must not be chainable beyond two zones.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.release_flow import FlowRelease, FlowState, FlowWindow, LineFacts, Tally
from gatehouse_hub.fusion.occupancy import Window, fuse
from gatehouse_hub.linking.linker import link_rows
from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.site_map import map_site
from gatehouse_hub.notify.out_messages import SiteNow, ZoneNow, out_messages
from gatehouse_shared.names import Label, ZoneKind
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

ZONES = 6
NIGHT_S = 8 * 3600
START = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai
SITE = map_site(row_of_zones(["perimeter"] * ZONES))
STEP_S = (40, 120)
"""How long a walker stays in a zone, least and most; the attackers know it."""


@dataclass(frozen=True)
class Sighting:
    """What an attacker takes for somebody being in a zone (or on the line into it) at a moment."""

    zone: int
    at_s: float


Walk = tuple[Sighting, ...]
Attack = Callable[[Sequence[Sighting]], list[Walk]]


def walks(rate_h: float, seed: int) -> list[Walk]:
    """Lone walkers of one night, all in the same direction, which is the easiest case for who follows them."""
    draw = random.Random(seed)
    found: list[Walk] = []
    at_s = draw.expovariate(rate_h / 3600)
    while at_s < NIGHT_S:
        times = [at_s]
        for _ in range(ZONES - 1):
            times.append(times[-1] + draw.uniform(*STEP_S))
        found.append(tuple(Sighting(zone, t) for zone, t in enumerate(times)))
        at_s += draw.expovariate(rate_h / 3600)
    return found


def greedy(sightings: Sequence[Sighting]) -> list[Walk]:
    """Follows each sighting to the nearest later one in the next zone."""
    left = sorted(sightings, key=lambda s: (s.at_s, s.zone))
    chains: list[Walk] = []
    while left:
        chain = [left.pop(0)]
        while (after := _next(chain[-1], left)) is not None:
            left.remove(after)
            chain.append(after)
        chains.append(tuple(chain))
    return chains


def _next(here: Sighting, left: Sequence[Sighting]) -> Sighting | None:
    middle = sum(STEP_S) / 2
    fitting = [
        s for s in left if s.zone == here.zone + 1 and 0 <= s.at_s - here.at_s <= 2 * STEP_S[1]
    ]
    return min(fitting, key=lambda s: abs(s.at_s - here.at_s - middle), default=None)


def assigned(sightings: Sequence[Sighting]) -> list[Walk]:
    """Joins the sightings of each pair of zones by the assignment that fits walking best over the whole night."""
    by_zone = [
        sorted((s for s in sightings if s.zone == z), key=lambda s: s.at_s) for z in range(ZONES)
    ]
    follows: dict[Sighting, Sighting] = {}
    for here, there in pairwise(by_zone):
        if not here or not there:
            continue
        gaps = np.array([[b.at_s - a.at_s for b in there] for a in here])
        misfit = np.abs(gaps - sum(STEP_S) / 2)
        cost = np.where((gaps < 0) | (gaps > 2 * STEP_S[1]), 1e6, misfit)
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < 1e6:
                follows[here[i]] = there[j]
    heads = [s for zone in by_zone for s in zone if s not in follows.values()]
    chains: list[Walk] = []
    for head in heads:
        chain = [head]
        while chain[-1] in follows:
            chain.append(follows[chain[-1]])
        chains.append(tuple(chain))
    return chains


def rebuilt(chains: Sequence[Walk], truth: Sequence[Walk], within_s: float = 30.0) -> int:
    """How many real walks are told over three zones or more, each within half a minute."""
    told = 0
    for walk in truth:
        times = {s.zone: s.at_s for s in walk}
        told += any(
            sum(abs(times[s.zone] - s.at_s) <= within_s for s in chain) >= 3
            for chain in chains
            if len(chain) >= 3
        )
    return told


def flows(truth: Sequence[Walk]) -> list[FlowWindow]:
    """What leaves the gateway of those walks: the flow windows of the five lines between the zones, over a day and a closing."""
    lines = {f"l{n}": LineFacts(device=f"cam_{n}", labels=(Label.PERSON,)) for n in range(1, ZONES)}
    release = FlowRelease(lines=lines, zone=ZoneInfo("Asia/Shanghai"), closes_at="05:30")
    passages = sorted((s.at_s, s.zone) for walk in truth for s in walk if s.zone > 0)
    state, sent, taken = FlowState(), [], 0
    for second in range(0, NIGHT_S + 3600, 10):
        tallies = []
        while taken < len(passages) and passages[taken][0] <= second:
            zone = passages[taken][1]
            tallies.append(Tally(f"l{zone}", f"cam_{zone}", Label.PERSON, 1, 0))
            taken += 1
        now = Moment(at=float(second), time=START + timedelta(seconds=second))
        state, closed = release.step(state, tallies, now)
        sent.extend(closed)
    return sent


def published(truth: Sequence[Walk]) -> list[Sighting]:
    """Every moment at which anything that is let out changes, put to the zone it is about: flows and `out/` together."""
    sightings: list[Sighting] = []
    for window in flows(truth):
        zone, begin = int(window.line[1:]), (window.start - START).total_seconds()
        sightings += [Sighting(zone, begin), Sighting(zone, begin + window.window_s)]
    before: dict[str, bytes] = {}
    for second in range(0, NIGHT_S, 60):
        for topic, said in _out(truth, second).items():
            if topic in before and before[topic] != said:
                sightings.append(Sighting(int(topic.rsplit("z", 1)[1]), float(second)))
            before[topic] = said
    return sightings


def _out(truth: Sequence[Walk], second: int) -> dict[str, bytes]:
    zones: list[ZoneNow] = []
    for zone in range(ZONES):
        here = sum(
            1 for walk in truth if zone < len(walk) and 0 <= second - walk[zone].at_s < STEP_S[0]
        )
        mean = (
            "lt10" if here else 0
        )  # as the gateway releases it, and better than it does at nought
        fused = fuse(
            [Window(f"cam_{zone}", second * 1000, 60, mean)],
            ZoneKind.PERIMETER,
            400.0,
            None,
            second * 1000,
        )
        zones.append(ZoneNow(f"z{zone}", fused.level, fused.mean, START))
    now = START + timedelta(seconds=second)
    said = out_messages(SiteNow("testing", (), zones, 1, 1), now)
    return {
        t: repr((getattr(m, "level", None), getattr(m, "count", None))).encode()
        for t, m in said.items()
        if "/zone/" in t
    }


RATES = [pytest.param(rate, id=f"{rate} an hour") for rate in (1, 3, 6)]
SEEDS = range(20)


@pytest.mark.parametrize("rate", RATES)
def test_no_incident_follows_a_walk(rate: int) -> None:
    worst = 0
    for seed in SEEDS:
        rows = [
            alarm(SITE, "perimeter_intrusion", f"z{s.zone}", s.at_s // 10 * 10)
            for walk in walks(rate, seed)
            for s in walk
        ]
        for incident in link_rows(set(rows), SITE):
            worst = max(worst, _zones_of_presence(incident.rows))
    assert worst <= 2


@pytest.mark.parametrize("rate", RATES)
def test_other_events_on_the_way_build_no_bridge(rate: int) -> None:
    for seed in SEEDS:
        rows: list[AlarmRow] = []
        for walk in walks(rate, seed):
            rows += [
                alarm(SITE, "perimeter_intrusion", f"z{s.zone}", s.at_s // 10 * 10) for s in walk
            ]
            rows += [
                alarm(
                    SITE, "door_forced", f"z{s.zone}", s.at_s // 1 + 5, device=f"contact_{s.zone}"
                )
                for s in walk
            ]
        assert all(_zones_of_presence(i.rows) <= 2 for i in link_rows(set(rows), SITE))


def _zones_of_presence(rows: Sequence[AlarmRow]) -> int:
    return len({row.zone for row in rows if row.hazard_class == "p"})


@pytest.mark.parametrize("attack", [greedy, assigned])
@pytest.mark.parametrize("rate", RATES)
def test_what_is_let_out_rebuilds_no_walk(rate: int, attack: Attack) -> None:
    told = sum(
        rebuilt(attack(published(truth)), truth) for truth in (walks(rate, seed) for seed in SEEDS)
    )
    assert told == 0


@pytest.mark.parametrize("attack", [greedy, assigned])
def test_the_attackers_can_follow_raw_passages(attack: Attack) -> None:
    """The control: given what never leaves the gateway, both attackers succeed."""
    truths = [walks(3, seed) for seed in range(5)]
    told = sum(rebuilt(attack([s for walk in truth for s in walk]), truth) for truth in truths)
    assert told > 0.8 * sum(len(truth) for truth in truths)
