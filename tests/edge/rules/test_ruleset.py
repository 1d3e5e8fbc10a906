"""All rules of a gateway behind one step, from the site file to findings, counts and flows."""

import copy

import msgspec
import pytest

from gatehouse_edge.errors import RuleConfigError, TimeWentBackError
from gatehouse_edge.rules.build import build_release, build_rules
from gatehouse_edge.rules.observations import SourceUp, Tick
from gatehouse_edge.rules.ruleset import RulesKept
from gatehouse_edge.values import Reading, SourceDown
from gatehouse_shared.names import HazardKind, Label, Phase
from gatehouse_shared.site import decode_site
from gatehouse_testing.rule_site import rule_site, site_tree
from gatehouse_testing.watched import moment, person, state_of, tracks, warmth


def changed(path, value):
    """The site with one thing changed, given by keys and list indices."""
    tree = copy.deepcopy(site_tree())
    node = tree
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return decode_site(tree)


def with_rule(**rule):
    tree = site_tree()
    tree["rules"] = [{"id": "one", "params": {}, **rule}]
    return decode_site(tree)


def drive(ruleset, told, state=None):
    state, judged = state or ruleset.start(), []
    for at, observation in told:
        state, out = ruleset.step(state, observation, moment(at))
        judged.append(out)
    return state, judged


def findings(judged):
    return [f for j in judged for f in j.findings]


def test_every_camera_has_a_rule_for_its_silence():
    rules = build_rules(rule_site(), "gw_1").rules
    stale = {
        r.binding.device: n for n, r in rules.items() if r.binding.kind is HazardKind.SOURCE_STALE
    }
    assert stale == {
        "cam_lane": "lane_silent",
        "cam_plaza": "cam_plaza_stale",
        "cam_fence": "cam_fence_stale",
        "cam_shed": "cam_shed_stale",
        "thermal_1": "thermal_1_stale",
        **{d: f"{d}_stale" for d in ("cam_park", "cam_exit", "cam_pond", "cam_hall")},
    }


def test_one_frame_becomes_counts_signals_and_findings_of_its_camera_only():
    ruleset = build_rules(rule_site(), "gw_1")
    _, [judged] = drive(ruleset, [(0.0, tracks(0.0, person(1, (0.5, 0.8)), device="cam_plaza"))])
    assert {(c.zone, c.label, c.count) for c in judged.counts} == {("plaza", Label.PERSON, 1)}
    assert {s.zone for s in judged.signals} == {"plaza"}


def test_a_passage_is_a_tally_too_and_a_counting_gate_gives_tallies_alone():
    ruleset = build_rules(rule_site(), "gw_1")
    told = [
        (at, tracks(at, person(1, (0.5, y)), device="cam_plaza"))
        for at, y in ((0.0, 0.5), (0.4, 0.7))
    ]
    gate = Reading("counter_1", moment(1).time, 1.0, passed=(3, 2))
    _, judged = drive(ruleset, [*told, (1.0, gate)])
    [passage] = judged[1].passages
    assert (passage.line, passage.inward) == ("plaza_line", True)
    assert [(t.line, t.inward, t.outward) for t in judged[1].tallies] == [("plaza_line", 1, 0)]
    assert [(t.line, t.inward, t.outward) for t in judged[2].tallies] == [("cellar_line", 3, 2)]
    assert judged[2].passages == ()


def test_an_armed_passage_into_a_perimeter_is_an_intrusion():
    ruleset = build_rules(rule_site(), "gw_1")
    told = [
        (at, tracks(at, person(1, (0.5, y)), device="cam_fence"))
        for at, y in ((0.0, 0.5), (0.4, 0.7))
    ]
    _, judged = drive(ruleset, told)
    [finding] = findings(judged)
    assert (finding.kind, finding.phase, finding.armed) == (
        HazardKind.PERIMETER_INTRUSION,
        Phase.RAISED,
        True,
    )


def test_a_thermal_sample_becomes_a_temperature_signal():
    ruleset = build_rules(rule_site(), "gw_1")
    _, [judged] = drive(ruleset, [(0.0, warmth(0.0, 31.5))])
    assert [(s.zone, s.hot_c, s.rows) for s in judged.signals] == [("shed", 31.5, ())]


def test_open_hazards_survive_a_restart_and_nothing_of_tracks_is_written():
    site = rule_site()
    ruleset = build_rules(site, "gw_1")
    told = [(0.0, tracks(0.0, person(1, (0.5, 0.8)), device="cam_fence"))]
    state, judged = drive(ruleset, [*told, (1.0, state_of(1, True, "smoke_1"))])
    assert len(findings(judged)) == 1
    written = msgspec.json.encode(ruleset.kept(state, moment(1.0)))
    assert b"track" not in written
    kept = msgspec.json.decode(written, type=RulesKept)
    state, ended = ruleset.resume(kept, moment(500.0))
    assert ended == ()
    state, judged = drive(ruleset, [(500.0 + s, Tick()) for s in range(61)], state)
    smoke = [f for f in findings(judged) if f.rule == "shed_smoke"]
    assert [f.phase for f in smoke] == [Phase.UPDATED]
    _, judged = drive(ruleset, [(561.0, state_of(561, True, "smoke_1"))], state)
    assert [f for f in findings(judged) if f.phase is Phase.RAISED] == [], "it is open already"


def test_a_hazard_whose_rule_is_gone_is_cleared_at_the_restart():
    ruleset = build_rules(rule_site(), "gw_1")
    state, _ = drive(ruleset, [(1.0, state_of(1, True, "smoke_1"))])
    kept = ruleset.kept(state, moment(1.0))
    other = build_rules(rule_site(rules=[]), "gw_1")
    state, ended = other.resume(kept, moment(60.0))
    assert [(f.rule, f.kind, f.phase, f.grade) for f in ended] == [
        ("shed_smoke", HazardKind.FIRE_SMOKE, Phase.CLEARED, 3)
    ]
    assert not state.rules


def test_raises_of_presence_are_counted_for_the_zone_not_for_the_rule():
    tree = site_tree()
    tree["rules"] = [
        {
            "id": f"walk_{n}",
            "kind": "perimeter_intrusion",
            "zone": "fence",
            "device": "cam_fence",
            "params": {},
        }
        for n in (1, 2)
    ]
    ruleset = build_rules(decode_site(tree), "gw_1")
    told = [
        (at / 5, tracks(at / 5, person(1, (0.1 + 0.01 * at, 0.8)), device="cam_fence"))
        for at in range(20)
    ]
    state, judged = drive(ruleset, told)
    assert [f.rule for f in findings(judged)] == ["walk_1", "walk_2"]
    assert {len(state.rules[n].trigger.raises) for n in ("walk_1", "walk_2")} == {1}, "one moment"


def test_time_that_goes_back_is_refused_with_the_rule():
    ruleset = build_rules(rule_site(), "gw_1")
    state, _ = drive(ruleset, [(5.0, Tick())])
    with pytest.raises(TimeWentBackError, match=r"step at 4\.000 s after one at 5\.000 s"):
        ruleset.step(state, Tick(), moment(4.0))


def test_a_camera_whose_media_time_starts_again_goes_on():
    ruleset = build_rules(rule_site(), "gw_1")
    state, _ = drive(ruleset, [(5.0, tracks(500.0, person(1, (0.5, 0.5)), device="cam_plaza"))])
    state, judged = ruleset.step(state, tracks(0.0, device="cam_plaza"), moment(6.0))
    assert judged.counts


def test_the_state_is_as_large_as_the_site_whatever_comes():
    ruleset = build_rules(rule_site(), "gw_1")
    state = ruleset.start()
    for i in range(200):
        for one in (SourceUp(f"stranger_{i}"), SourceDown(f"x_{i}", moment(i).time, float(i), "?")):
            state, _ = ruleset.step(state, one, moment(float(i)))
        state, _ = ruleset.step(state, tracks(float(i), device=f"cam_{i}_x"), moment(float(i)))
    assert len(state.rules) + len(state.lines) + len(state.counts) + len(state.signals) == 0


def test_the_release_desk_knows_pinches_vehicles_and_the_closing_time():
    desk = build_release(rule_site(), "gw_1")
    lines = desk.flows.lines
    assert lines["cellar_line"].pinch
    assert not lines["plaza_line"].pinch
    assert lines["lane_line"].exact_things
    assert Label.CAR in lines["lane_line"].labels
    assert lines["plaza_line"].labels == (Label.PERSON,)
    assert lines["cellar_line"].labels == (Label.PERSON,)
    assert desk.flows.closes_at == "23:30"


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (
            with_rule(kind="dwell", zone="plaza", device="cam_plaza"),
            "rule one .*no hazard at open hours",
        ),
        (
            with_rule(kind="dwell", zone="fence", device="cam_plaza"),
            "rule one .*does not see the zone",
        ),
        (
            with_rule(kind="dwell", zone="fence", device="smoke_1"),
            "rule one .*no rule watches for dwell by a smoke",
        ),
        (with_rule(kind="door_forced", zone="cellar", device="contact_1"), "rule one .*no reader"),
        (
            with_rule(kind="dwell", zone="fence", device="cam_fence", params={"dwell_s": 30}),
            r"dwell_s is 30.*60 to 600 s",
        ),
        (
            with_rule(kind="fire_smoke", zone="shed", device="smoke_1", schedule="night"),
            "holds at any hour",
        ),
        (
            with_rule(
                kind="lane_blocked", zone="fire_lane", device="cam_lane", params={"event_s": 20}
            ),
            "out of order",
        ),
        (
            with_rule(
                kind="thermal_hotspot", zone="shed", device="thermal_1", params={"alarm_c": 40}
            ),
            "alarm_c is 40",
        ),
        (
            with_rule(
                kind="crowd_density",
                zone="plaza",
                device="cam_plaza",
                params={"moving_warn_per_m2": 5},
            ),
            "do not rise",
        ),
        (
            changed(("zones", 1, "polygon"), [[0, 0], [3, 0], [3, 3], [0, 3]]),
            r"rule fence_walk .*9\.0 m2",
        ),
        (changed(("zones", 4, "closed_hours"), ["12:00-11:00"]), "zone lobby.closed_hours"),
    ],
    ids=[
        *("open place", "no view", "wrong device", "no reader", "value", "schedule", "stages"),
        *("below the pre-alarm", "thresholds", "small zone", "closed too long"),
    ],
)
def test_a_site_that_cannot_be_watched_so_is_refused(site, message):
    if "closed_hours" in message:
        tree = msgspec.to_builtins(site)
        tree["rules"] = [{"id": "one", "kind": "dwell", "zone": "lobby", "device": "cam_fence"}]
        site = decode_site(tree)
    with pytest.raises(RuleConfigError, match=message) as error:
        build_rules(site, "gw_1")
    assert error.value.remedy


def test_a_gateway_that_the_site_does_not_know_is_refused():
    with pytest.raises(RuleConfigError, match=r"'gw_9'.*Use one of gw_1"):
        build_rules(rule_site(), "gw_9")


def test_two_lane_rules_of_one_view_must_agree_on_stillness():
    tree = site_tree()
    rule = {"kind": "lane_blocked", "zone": "fire_lane", "device": "cam_lane"}
    tree["rules"] = [
        {**rule, "id": "a"},
        {**rule, "id": "b", "params": {"greatest_speed_m_s": 0.5}},
    ]
    with pytest.raises(RuleConfigError, match=r"rule b .*stillness"):
        build_rules(decode_site(tree), "gw_1")
