"""Drills, maintenance, and what is never kept: a rehearsal goes by what people had asked for then, and by what was found then."""

from gatehouse_edge.history.block import decode
from gatehouse_edge.history.rehearsal import Days, Replays, concluded, planned
from gatehouse_edge.history.setup import setup_of
from gatehouse_edge.history.store import KeptBlock
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import DrillOrder, FlameCue, MaintenanceOrder
from gatehouse_shared.names import Label
from gatehouse_testing.keeping import hazards, keep, replayed
from gatehouse_testing.picture_stories import SOFT, SOUND, looks
from gatehouse_testing.rule_site import rule_site, stories
from gatehouse_testing.watched import moment, state_of, thing, ticks, tracks


def _outcome(kept, rule):
    site = rule_site()
    rules = build_rules(site, "gw_1")
    setup = setup_of(site, rules)
    plan = planned((site, site), (rules, rules), setup, every=False)
    replays, days = Replays(plan.tasks), Days()
    for packed in kept.blocks:
        block = decode(packed)
        minute = KeptBlock(1, block.time_cs, block.time_cs + 6000, block)
        replays.block(minute, lambda _: setup)
        days.block(minute)
    result = concluded(plan, days, replays.results())
    return next(one for one in result.outcomes if one.rule == rule)


def _under(order):
    """The door that stands open, under an order from before it opened."""
    return [(0.0, order), *stories()["door_held"][1]]


def test_what_was_raised_in_a_drill_is_counted_apart_before_and_after():
    kept = keep(rule_site(), _under(DrillOrder("lobby_held", 3600.0)))
    assert {f.drill for f in kept.findings if f.rule == "lobby_held"} == {True}
    assert hazards(replayed(rule_site(), kept.blocks)) == hazards(kept.findings)
    outcome = _outcome(kept, "lobby_held")
    assert (outcome.said, outcome.drills) == (0, 1)
    assert not outcome.before
    assert not outcome.after


def test_what_maintenance_hid_then_stays_hidden():
    kept = keep(rule_site(), _under(MaintenanceOrder(frozenset({"lobby_held"}))))
    assert "lobby_held" not in {f.rule for f in kept.findings}
    outcome = _outcome(kept, "lobby_held")
    assert (outcome.said, len(outcome.before), len(outcome.after)) == (0, 0, 0)


def test_a_drill_that_ends_while_it_is_still_so_is_followed_by_the_hazard():
    told = [(0.0, DrillOrder(None, 60.0)), (1.0, state_of(1, True, "contact_1"))]
    kept = keep(rule_site(), [*told, *stories()["door_held"][1][1:-10], *ticks(42, 160)])
    assert {f.drill for f in kept.findings if f.rule == "lobby_held"} == {True, False}
    assert hazards(replayed(rule_site(), kept.blocks)) == hazards(kept.findings)


def test_cues_of_flames_and_the_quality_of_pictures_outlive_what_made_them():
    told = [*looks([(0, 10, SOUND), (10, 40, SOFT), (40, 90, SOUND)], device="cam_shed")]
    for at in range(90):
        time = moment(at).time
        burns = 20 <= at <= 50
        boxes = (thing(1, (0.4, 0.4, 0.5, 0.5), Label.FLAME),) if burns else ()
        told.append((at + 0.3, tracks(at + 0.3, *boxes, device="cam_shed")))
        told.append((at + 0.4, FlameCue("cam_shed", "shed", at + 0.4, time, 0.9 if burns else 0.0)))
    kept = keep(rule_site(), sorted(told, key=lambda one: one[0]))
    kinds = {f.kind.value for f in kept.findings}
    assert {"fire_flame", "camera_blurred"} <= kinds
    assert hazards(replayed(rule_site(), kept.blocks)) == hazards(kept.findings)
    for rule in ("shed_flame", "cam_shed_blurred"):
        outcome = _outcome(kept, rule)
        assert outcome.said == len(outcome.before) == len(outcome.after) == 1
