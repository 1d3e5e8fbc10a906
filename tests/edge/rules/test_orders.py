"""Drills, walk tests and maintenance: what is marked, what is hidden, and that neither hides a real hazard for good."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import (
    Acknowledged,
    DrillOrder,
    MaintenanceOrder,
    Moment,
    Tick,
)
from gatehouse_edge.rules.orders import (
    EVERY_RULE,
    LONGEST_S,
    NEVER_HIDDEN,
    Order,
    Orders,
    OrdersKept,
    resumed_orders,
)
from gatehouse_edge.rules.ruleset import RulesKept
from gatehouse_shared.names import HazardKind
from gatehouse_testing.rule_site import film, rule_site
from gatehouse_testing.watched import START, moment, person, state_of

HOUR = 3600.0


class Play:
    """A set of rules that is told one thing after another; what it said as (at, rule, phase, drill)."""

    def __init__(self, *only: str) -> None:
        rules = build_rules(rule_site(), "gw_1")
        kept = {k: r for k, r in rules.rules.items() if k in only}
        self.rules = replace(rules, rules=kept) if only else rules
        self.state = self.rules.start()
        self.said: list[tuple[float, str, str, bool]] = []
        self.hidden: list[tuple[float, str]] = []

    def tell(self, *told):
        for at, observation in told:
            self.state, judged = self.rules.step(self.state, observation, moment(at))
            self.said += [(at, f.rule, f.phase.value, f.drill) for f in judged.findings]
            self.hidden += [(at, f.rule) for f in judged.hidden]
        return self

    def restart(self, at: float, *, time_known: bool = True):
        kept = msgspec.json.encode(self.rules.kept(self.state, moment(at)))
        was = msgspec.json.decode(kept, type=RulesKept)
        self.state, _ = self.rules.resume(was, moment(at, time_known=time_known))
        return self

    def of(self, rule):
        return [(at, phase, drill) for at, name, phase, drill in self.said if name == rule]


def smoke(at, state):
    return at, state_of(at, state, "smoke_1")


def ticks(first, last):
    return [(float(at), Tick()) for at in range(first, last + 1)]


def test_what_is_raised_under_a_drill_is_marked_to_its_end():
    play = Play().tell(
        (0.0, DrillOrder("shed_smoke", HOUR)), smoke(5.0, True), smoke(20.0, False), *ticks(21, 40)
    )
    assert play.of("shed_smoke") == [(5.0, "raised", True), (30.0, "cleared", True)]


def test_a_drill_concerns_its_own_rule_only_and_a_walk_test_concerns_all():
    press = (6.0, state_of(6, True, "button_1"))
    one = Play().tell((0.0, DrillOrder("shed_smoke", HOUR)), press, *ticks(7, 8))
    assert one.of("lobby_help") == [(7.0, "raised", False)]
    every = Play().tell((0.0, DrillOrder(None, HOUR)), smoke(5.0, True), press, *ticks(7, 8))
    assert every.of("lobby_help") == [(7.0, "raised", True)]
    assert every.of("shed_smoke") == [(5.0, "raised", True)]


def test_an_open_hazard_is_never_turned_into_a_drill():
    play = Play("shed_smoke").tell(
        smoke(0.0, True),
        (5.0, DrillOrder("shed_smoke", HOUR)),
        *ticks(6, 700),
        smoke(701.0, False),
        *ticks(702, 720),
    )
    assert [drill for _, _, drill in play.of("shed_smoke")] == [False, False, False]


def test_a_hazard_that_outlasts_its_drill_ends_with_it_and_is_raised_anew_as_real():
    play = Play().tell((0.0, DrillOrder("shed_smoke", 60.0)), smoke(5.0, True), *ticks(6, 70))
    assert play.of("shed_smoke") == [
        (5.0, "raised", True),
        (60.0, "cleared", True),
        (60.0, "raised", False),
    ]


def test_what_is_raised_anew_is_not_dated_into_the_drill():
    rules, times = build_rules(rule_site(), "gw_1"), []
    state = rules.start()
    told = film("cam_fence", 0, 200, lambda at: (person(1, (0.5, 0.8)),) if at > 2 else (), fps=2)
    state, _ = rules.step(state, DrillOrder("fence_stay", 120.0), moment(0))
    for at, observation in told:
        state, judged = rules.step(state, observation, moment(at))
        times += [
            (f.phase.value, f.drill, (f.time - START).total_seconds())
            for f in judged.findings
            if f.rule == "fence_stay"
        ]
    assert [t[:2] for t in times] == [("raised", True), ("cleared", True), ("raised", False)]
    assert times[2][2] >= 120.0


def test_a_drill_that_is_ended_early_ends_what_it_raised():
    play = Play().tell(
        (0.0, DrillOrder("shed_smoke", HOUR)),
        smoke(5.0, True),
        smoke(8.0, False),
        (9.0, DrillOrder("shed_smoke", 0.0)),
        *ticks(10, 20),
    )
    assert play.of("shed_smoke") == [(5.0, "raised", True), (9.0, "cleared", True)]


def test_a_button_that_was_pressed_in_a_walk_test_is_quiet_after_it_and_a_panel_in_alarm_is_not():
    play = Play().tell(
        (0.0, DrillOrder(None, 60.0)),
        (5.0, state_of(5, True, "button_1")),
        (5.0, state_of(5, True, "panel_1")),
        *ticks(6, 90),
    )
    assert [p for p in play.of("lobby_help") if not p[2]] == []
    assert play.of("lobby_help")[-1] == (60.0, "cleared", True)
    assert play.of("lobby_panel")[-1] == (60.0, "raised", False)
    play.tell((100.0, state_of(100, True, "button_1")), *ticks(101, 102))
    assert play.of("lobby_help")[-1] == (101.0, "raised", False)


def test_a_latched_drill_can_be_acknowledged_at_the_site():
    play = Play().tell(
        (0.0, DrillOrder(None, HOUR)),
        (5.0, state_of(5, True, "panel_1")),
        (9.0, Acknowledged("lobby_panel", at_site=True)),
    )
    assert play.of("lobby_panel") == [(5.0, "raised", True), (9.0, "cleared", True)]


def test_maintenance_hides_what_would_be_raised_and_counts_it():
    play = Play().tell(
        (0.0, MaintenanceOrder(frozenset({"shed_smoke"}))),
        smoke(5.0, True),
        smoke(10.0, False),
        *ticks(11, 30),
        smoke(40.0, True),
        *ticks(41, 50),
    )
    assert play.of("shed_smoke") == []
    assert play.hidden == [(5.0, "shed_smoke"), (40.0, "shed_smoke")]


def test_after_maintenance_what_is_still_true_is_raised():
    play = Play().tell(
        (0.0, MaintenanceOrder(frozenset({"shed_smoke", "lobby_held"}))),
        smoke(5.0, True),
        (5.0, state_of(5, True, "contact_1")),
        *ticks(6, 99),
        (100.0, MaintenanceOrder(frozenset())),
        *ticks(101, 140),
    )
    assert play.of("shed_smoke") == [(100.0, "raised", False)]
    assert play.of("lobby_held")[0] == (125.0, "raised", False)


def test_maintenance_leaves_a_hazard_that_is_open_alone():
    play = Play().tell(
        smoke(0.0, True),
        (5.0, MaintenanceOrder(frozenset({"shed_smoke"}))),
        smoke(9.0, False),
        *ticks(10, 30),
    )
    assert [phase for _, phase, _ in play.of("shed_smoke")] == ["raised", "cleared"]


def test_nobody_hides_a_call_for_help_or_a_panel():
    rules = frozenset(build_rules(rule_site(), "gw_1").rules)
    play = Play().tell(
        (0.0, MaintenanceOrder(rules)),
        (1.0, state_of(1, True, "button_1")),
        (1.0, state_of(1, True, "panel_1")),
        (1.0, state_of(1, True, "intercom_1")),
        *ticks(2, 100),
    )
    spoke = {rule for _, rule, _, _ in play.said}
    assert spoke == {"lobby_help", "lobby_panel", "hall_call"}


def test_hidden_raises_of_presence_do_not_wear_out_the_hour():
    play = Play("fence_walk")
    play.tell((0.0, MaintenanceOrder(frozenset({"fence_walk"}))))
    for visit in range(8):
        first = 100.0 * visit
        play.tell(
            *film("cam_fence", first, first + 20, lambda at, f=first: _walk(at - f), fps=5),
        )
    assert len([1 for _, rule in play.hidden if rule == "fence_walk"]) >= 7
    play.tell((900.0, MaintenanceOrder(frozenset())))
    play.tell(*film("cam_fence", 1000, 1030, lambda at: _walk(at - 1000), fps=5))
    assert [phase for _, phase, _ in play.of("fence_walk")] == ["raised", "cleared"]


def _walk(at):
    return (person(1, (0.1 + 0.05 * at, 0.8)),) if 2 <= at <= 8 else ()


def test_a_drill_outdone_by_maintenance_ends_and_is_hidden():
    play = Play().tell(
        (0.0, DrillOrder("shed_smoke", HOUR)),
        smoke(5.0, True),
        (10.0, MaintenanceOrder(frozenset({"shed_smoke"}))),
        *ticks(11, 20),
    )
    assert play.of("shed_smoke") == [(5.0, "raised", True), (10.0, "cleared", True)]
    assert play.hidden == [(10.0, "shed_smoke")]


def test_a_drill_and_its_hazard_go_on_over_a_restart_and_end_in_time():
    play = Play().tell((0.0, DrillOrder("shed_smoke", 60.0)), smoke(5.0, True))
    play.restart(20.0).tell(smoke(21.0, True), *ticks(22, 70))
    assert play.of("shed_smoke") == [
        (5.0, "raised", True),
        (40.0, "updated", True),
        (60.0, "cleared", True),
        (60.0, "raised", False),
    ]


def test_a_drill_is_not_longer_after_a_restart_with_an_unknown_clock():
    kept = OrdersKept(drills={"a": (moment(5000).time, 60.0)})
    orders = resumed_orders(kept, ["a"], replace(moment(0), time_known=False))
    assert orders.drills == {"a": 60.0}
    assert resumed_orders(kept, ["a"], moment(4990)).drills == {"a": 5000.0}
    assert resumed_orders(kept, ["a"], moment(5000)).drills == {}
    assert resumed_orders(kept, ["b"], moment(0)).drills == {}


@pytest.mark.parametrize("asked", [LONGEST_S + 1, 1e9])
def test_no_drill_is_longer_than_a_shift(asked):
    orders = Orders().after(DrillOrder("a", asked), ["a"], moment(0))
    assert orders.of("a", HazardKind.DWELL, moment(LONGEST_S - 1)) is Order.DRILL
    assert orders.of("a", HazardKind.DWELL, moment(LONGEST_S)) is Order.NORMAL


def test_orders_for_rules_that_are_not_there_leave_no_trace():
    orders = Orders().after(DrillOrder("gone", HOUR), ["a"], moment(0))
    orders = orders.after(MaintenanceOrder(frozenset({"gone"})), ["a"], moment(0))
    assert orders == Orders()


def test_a_wall_clock_that_is_set_back_makes_no_drill_longer():
    orders = Orders().after(DrillOrder(None, 60.0), ["a"], moment(0))
    late = Moment(61.0, moment(0).time)
    assert orders.of("a", HazardKind.DWELL, late) is Order.NORMAL
    assert set(orders.drills) == {EVERY_RULE}
    assert orders.kept(late).drills == {}


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("smoke"), st.booleans()),
            st.tuples(st.just("drill"), st.floats(0, 100)),
            st.tuples(st.just("hide"), st.booleans()),
            st.tuples(st.just("wait"), st.integers(1, 40)),
        ),
        max_size=30,
    )
)
def test_phases_alternate_whatever_is_ordered_and_what_is_true_at_the_end_is_open_as_real(steps):
    play, at, state = Play("shed_smoke"), 0.0, False
    for what, value in steps:
        at += 1.0
        if what == "smoke":
            state = value
            play.tell(smoke(at, value))
        elif what == "drill":
            play.tell((at, DrillOrder("shed_smoke", value)))
        elif what == "hide":
            play.tell((at, MaintenanceOrder(frozenset({"shed_smoke"} if value else ()))))
        else:
            play.tell(*[(at + i, Tick()) for i in range(value)])
            at += value
    at += 1.0
    play.tell((at, DrillOrder("shed_smoke", 0)), (at, MaintenanceOrder(frozenset())))
    play.tell(*[(at + i, Tick()) for i in range(20)])
    was_open = None
    for _, phase, drill in play.of("shed_smoke"):
        if phase == "raised":
            assert was_open is None
            was_open = drill
        else:
            assert was_open is drill
            was_open = None if phase == "cleared" else was_open
    assert was_open is (False if state else None)


def test_kinds_that_are_never_hidden_are_calls():
    assert {
        HazardKind.HELP_BUTTON,
        HazardKind.INTERCOM_UNANSWERED,
        HazardKind.PANEL_ALARM,
    } == NEVER_HIDDEN
