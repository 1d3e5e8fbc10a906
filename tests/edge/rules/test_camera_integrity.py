"""Covered, blurred, moved, frozen: what the four rules make of what the watcher says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.camera_integrity import INTEGRITY_KINDS, KINDS
from gatehouse_edge.rules.observations import Acknowledged, Observation
from gatehouse_edge.rules.rule import Rule
from gatehouse_shared.names import HazardKind
from gatehouse_testing.picture_stories import APART, BLACK, SOFT, SOUND, looks, quality, still
from gatehouse_testing.requests import request
from gatehouse_testing.rule_site import rule_site
from gatehouse_testing.watched import moment, phases, run, told

LOOKS = {"sound": SOUND, "black": BLACK, "soft": SOFT, "apart": APART}


def rule(name: str, params: dict[str, float] | None = None) -> Rule:
    kind = next(k for k in KINDS if k.name == f"camera_{name}")
    return kind.build(request(kind.kind, params))


def ack(at: float, *, at_site: bool) -> tuple[float, Observation]:
    return at, Acknowledged("rule_1", at_site=at_site)


@pytest.mark.parametrize(
    ("name", "shown", "dwell_s"),
    [("covered", BLACK, 10), ("blurred", SOFT, 15), ("moved", APART, 12)],
)
def test_a_fault_that_lasts_is_raised_from_its_first_moment_and_ends_with_it(name, shown, dwell_s):
    story = looks([(0, 20, SOUND), (20, 50, shown), (50, 80, SOUND)])
    found = told(rule(name), *story)
    assert [(p, at) for p, _, at in phases(found)] == [
        ("raised", 20.0),
        ("cleared", 50.0 + (15 if name == "blurred" else 10)),
    ]
    assert found[0].confirm_s == dwell_s


@pytest.mark.parametrize(
    ("shown", "name"), [("black", "covered"), ("soft", "blurred"), ("apart", "moved")]
)
def test_each_fault_has_one_name(shown, name):
    story = looks([(0, 20, SOUND), (20, 60, LOOKS[shown])])
    raised = {k.name for k in KINDS if told(k.build(request(k.kind)), *story)}
    assert raised == {f"camera_{name}"}


@pytest.mark.parametrize("name", ["covered", "blurred", "moved"])
def test_what_passes_within_a_few_seconds_is_not_told(name):
    spans = [(0, 20, SOUND)]
    for begin in range(20, 200, 30):
        spans += [(begin, begin + 6, BLACK), (begin + 6, begin + 30, SOUND)]
    assert told(rule(name), *looks(spans)) == []


def test_while_nothing_is_learned_nothing_is_said():
    blind = [(float(at), quality(float(at), learned=False, same_s=at)) for at in range(100)]
    assert [told(k.build(request(k.kind)), *blind) for k in KINDS] == [[], [], [], []]


def test_a_dim_picture_is_not_blurred():
    dim = {**SOFT, "spread_ratio": 0.2}
    assert told(rule("blurred"), *looks([(0, 5, SOUND), (5, 60, dim)])) == []


def test_a_lamp_in_the_lens_is_not_another_view():
    dazzled = {"match_ratio": 0.1, "settled_s": 60.0, "clipped_ratio": 0.4}
    assert told(rule("moved"), *looks([(0, 5, SOUND), (5, 60, dazzled)])) == []
    elsewhere = {**dazzled, "clipped_ratio": 0.0}
    assert phases(told(rule("moved"), *looks([(0, 5, SOUND), (5, 60, elsewhere)])))


def test_a_moved_camera_stays_moved_when_the_new_view_is_learned():
    story = [*looks([(0, 10, SOUND), (10, 70, APART)]), *looks([(70, 200, SOUND)], view=1)]
    assert [p for p, _, _ in phases(told(rule("moved"), *story)) if p == "cleared"] == []


def test_the_new_view_is_right_once_somebody_at_the_site_says_so():
    story = [
        *looks([(0, 10, SOUND), (10, 70, APART)]),
        *looks([(70, 100, SOUND)], view=1),
        ack(100.0, at_site=False),
        *looks([(101, 120, SOUND)], view=1),
        ack(120.0, at_site=True),
        *looks([(121, 200, SOUND)], view=1),
    ]
    found = phases(told(rule("moved"), *story))
    assert [(p, at) for p, _, at in found] == [("raised", 10.0), ("cleared", 130.0)]


def test_it_may_be_acknowledged_before_the_new_view_is_learned():
    story = [
        *looks([(0, 10, SOUND), (10, 30, APART)]),
        ack(30.0, at_site=True),
        *looks([(31, 70, APART)]),
        *looks([(70, 300, SOUND)], view=1),
    ]
    found = phases(told(rule("moved"), *story))
    assert [(p, at) for p, _, at in found] == [("raised", 10.0), ("cleared", 40.0)]


def test_a_later_move_is_told_again_after_an_acknowledged_one():
    story = [
        *looks([(0, 10, SOUND), (10, 70, APART)]),
        *looks([(70, 100, SOUND)], view=1),
        ack(100.0, at_site=True),
        *looks([(101, 300, SOUND), (300, 340, APART)], view=1),
    ]
    found = phases(told(rule("moved"), *story))
    assert [(p, at) for p, _, at in found][2:] == [("raised", 300.0)]


@pytest.mark.parametrize(("name", "shown"), [("moved", APART), ("blurred", SOFT)])
def test_after_a_restart_an_open_hazard_waits_for_somebody_at_the_site(name, shown):
    one = rule(name)
    state, _ = run(one, looks([(0, 10, SOUND), (10, 40, shown)]))
    state = one.resumed(one.kept(state, moment(40)), moment(50))
    state, found = run(one, looks([(51, 300, SOUND)]), state)
    assert {f.phase.value for f in found} == {"updated"}
    _, found = run(one, [ack(300.0, at_site=True), *looks([(301, 340, SOUND)])], state)
    assert [f.phase.value for f in found] == ["cleared"]


def test_a_cover_that_is_gone_after_a_restart_is_over():
    one = rule("covered")
    state, _ = run(one, looks([(0, 10, SOUND), (10, 40, BLACK)]))
    state = one.resumed(one.kept(state, moment(40)), moment(50))
    _, found = run(one, looks([(90, 120, SOUND)]), state)
    assert [f.phase.value for f in found][-1] == "cleared"


def test_a_picture_that_stands_still_is_frozen_since_its_last_change():
    found = told(
        rule("frozen"), *looks([(0, 20, SOUND)]), *still(20, 60), *looks([(60, 70, SOUND)])
    )
    assert phases(found) == [("raised", 2, 20.0), ("cleared", 2, 65.0)]


def test_a_covered_lens_that_is_black_and_still_is_not_frozen():
    black = {**BLACK, "same_s": 100.0}
    assert told(rule("frozen"), *looks([(0, 60, black)])) == []


def test_every_colour_camera_is_watched_unless_it_is_switched_off():
    rules = build_rules(rule_site(), "gw_1", unwatched=frozenset({"cam_fence"})).rules
    kinds = {
        device: {r.binding.kind for r in rules.values() if r.binding.device == device}
        for device in ("cam_plaza", "cam_fence", "thermal_1", "smoke_1")
    }
    assert kinds["cam_plaza"] >= set(INTEGRITY_KINDS)
    for device in ("cam_fence", "thermal_1", "smoke_1"):
        assert not kinds[device] & set(INTEGRITY_KINDS)


def test_a_rule_of_the_site_file_takes_the_place_of_the_default_one():
    tree = {
        "id": "plaza_hidden",
        "kind": "camera_covered",
        "zone": "plaza",
        "device": "cam_plaza",
        "params": {"covered_s": 60},
    }
    rules = build_rules(rule_site(rules=[tree]), "gw_1").rules
    covered = [n for n, r in rules.items() if r.binding.device == "cam_plaza"]
    assert "plaza_hidden" in covered
    assert "cam_plaza_covered" not in covered
    assert rules["plaza_hidden"].timing.stages[0].dwell_s == 60


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1), st.floats(0, 1), st.floats(0, 2), st.floats(0, 2), st.floats(0, 3)
        ),
        max_size=80,
    )
)
def test_whatever_is_seen_raises_and_clears_alternate(rows):
    story = [
        (float(at), quality(float(at), match_ratio=m, apart_ratio=a, texture_ratio=t, spread_ratio=s, sharpness_ratio=f))
        for at, (m, a, t, s, f) in enumerate(rows)
    ]  # fmt: skip
    for kind in KINDS:
        found = [p for p, _, _ in phases(told(kind.build(request(kind.kind)), *story))]
        opened = [p for p in found if p != "updated"]
        assert opened == ["raised", "cleared"] * (len(opened) // 2) + ["raised"] * (len(opened) % 2)


def test_the_four_kinds_are_those_of_the_wire():
    assert set(INTEGRITY_KINDS) == {
        HazardKind.CAMERA_COVERED,
        HazardKind.CAMERA_BLURRED,
        HazardKind.CAMERA_MOVED,
        HazardKind.CAMERA_FROZEN,
    }
