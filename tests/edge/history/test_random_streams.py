"""Whatever was told and whenever, the replay of what was kept raises what was raised, whether or not it leaves steps out."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.observations import (
    Acknowledged,
    DrillOrder,
    Looked,
    MaintenanceOrder,
    Moment,
    PictureQuality,
    SourceUp,
    Tick,
)
from gatehouse_edge.values import Reading, SourceDown, ThermalSample
from gatehouse_shared.names import Label, Phase, Quantity
from gatehouse_testing.keeping import hazards, keep, replayed
from gatehouse_testing.rule_site import rule_site
from gatehouse_testing.watched import moment, person, thing, tracks

FPS = 2
QUICK = {
    "lane_free": {"warn_s": 5, "event_s": 10, "clear_s": 5, "rearm_s": 20},
    "fence_stay": {"dwell_s": 60, "clear_s": 3, "rearm_s": 5},
    "plaza_surge": {"rise_s": 1, "window_s": 15},
}
"""So that hazards open, end and wait within minutes."""
DEVICES = {
    "cam_lane": ("cam_lane",),
    "cam_fence": ("cam_fence",),
    "cam_plaza": ("cam_plaza",),
    "thermal_1": ("thermal_1",),
    "contact_1": ("contact_1", "reader_1"),
    "gas_1": ("gas_1",),
    "button_1": ("button_1",),
}


@cache
def _site(device):
    """The site as a gateway sees it that reads these devices only."""
    own = DEVICES[device]
    site = rule_site()
    return msgspec.structs.replace(
        site,
        devices=tuple(
            d if d.id in own else msgspec.structs.replace(d, gateway="gw_2") for d in site.devices
        ),
        rules=tuple(
            msgspec.structs.replace(r, params={**r.params, **QUICK.get(r.id, {})})
            for r in site.rules
        ),
    )


def _now(at, lag_s):
    """The moment of judging is a little later than that of the frame, and its clock is read a little later still."""
    now = moment(at + lag_s)
    return Moment(now.at, now.time + timedelta(milliseconds=7))


def _stream(device, parts):
    """A stream of some minutes from runs of what is seen: (what, how many, seconds, jitter)."""
    at, told = 0.0, []
    for what, amount, seconds, jitter in parts:
        if what in ORDERS:
            told.append((_now(at, 0.14), ORDERS[what](amount)))
        for step in range(seconds * FPS):
            at += 1 / FPS + jitter * ((step * 7) % 5 - 2) / 40
            told += [(_now(at, 0.13), one) for one in _said(device, what, amount, at)]
            if step % FPS == 0:
                told.append((_now(at, 0.13 + 0.01 * jitter), Tick()))
    return told


ORDERS = {
    "drill": lambda amount: DrillOrder(None, amount * 4.0),
    "hidden": lambda _: MaintenanceOrder(frozenset({"lane_free", "plaza_crowd", "shed_hot"})),
    "open": lambda _: MaintenanceOrder(frozenset()),
    "known": lambda _: Acknowledged("lobby_help", at_site=True),
}


def _said(device, what, amount, at):
    time = moment(at).time
    if what == "down":
        return [SourceDown(device, time, at, "no frame")] if amount else []
    if device.startswith("cam_"):
        return [tracks(at, *_seen(what, amount, at), device=device), *_beside(device, what, at)]
    if device == "thermal_1":
        hot = 24.0 + amount * (6 if what == "stays" else 0.2 * (at % 60)) + (at % 1)
        return [ThermalSample(device, "shed", at, time, hot, 20.0, None, 40)]
    if int(at * FPS) % 5:
        return [SourceUp(device)] if int(at) % 3 else []
    if device == "gas_1":
        return [Reading(device, time, at, quantity=Quantity.GAS, value=3 * amount)]
    passes = [Reading("reader_1", time, at, state=True)] if what == "stays" else []
    own = Reading(device, time, at, state=what in ("walks", "stays") and amount > 3)
    return [*(passes if device == "contact_1" else []), own]


def _seen(what, amount, at):
    if what in ("walks", "drill"):
        return [person(i, (0.1 + (0.02 * at + 0.11 * i) % 0.8, 0.8)) for i in range(amount)]
    if what in ("stays", "open"):
        return [
            person(50 + i, (0.05 + 0.09 * (i % 10), 0.7 + 0.1 * (i > 9))) for i in range(amount)
        ]
    return [thing(90, (0.3, 0.5, 0.6, 0.8), Label.CAR)] if what in ("car", "hidden") else []


def _beside(device, what, at):
    """What a camera's rate and picture are, now and then."""
    time = moment(at).time
    fps = 0.5 if what == "walks" else 3.0
    sound = PictureQuality(device, at, time, learned=True, match_ratio=0.8)
    black = replace(sound, match_ratio=0.05, texture_ratio=0.1, spread_ratio=0.2)
    looked = [Looked(device, at, time, fps, 1.0)] if int(at * 2) % 2 else []
    return [*looked, black if what == "car" else sound]


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["nobody", "walks", "stays", "car", "down", *ORDERS]),
        st.integers(0, 20),
        st.sampled_from([1, 8, 25, 70]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(DEVICES)), RUNS)
def test_a_replay_raises_and_clears_what_was_raised_and_cleared(device, parts):
    _compare(device, parts)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(DEVICES)),
    st.lists(RUNS, min_size=1, max_size=6).map(lambda runs: [part for run in runs for part in run]),
)
def test_a_replay_of_half_an_hour_raises_and_clears_what_was_raised_and_cleared(device, parts):
    _compare(device, parts)


def _compare(device, parts):
    site = _site(device)
    kept = keep(site, _stream(device, parts))
    said = _ends(kept.findings)
    assert _ends(replayed(site, kept.blocks)) == said
    assert _ends(replayed(site, kept.blocks, exact=True)) == said


def _ends(findings):
    return [h for h in hazards(findings) if h[4] != Phase.UPDATED.value]
