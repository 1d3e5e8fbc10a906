"""What people ask of rules for a while: a drill of one rule, a walk test of all, maintenance of some. Pure.

Drill        what a rule raises meanwhile is marked as a drill on the wire: seen, and never paged.
Maintenance  what a rule raises meanwhile is kept here, and counted. Nobody hides a call for help or a panel's own alarm.
Neither      touches a hazard that was raised before it began. What was opened under an order ends with it, and what is still true
             is raised anew, after its dwell, as real.
Ends         on the pipeline's timeline, so that a clock that is set wrong ends nothing too late; at most `LONGEST_S` ahead.
Bounds       one entry for each rule there is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from gatehouse_edge.rules.observations import DrillOrder, MaintenanceOrder, Moment
from gatehouse_shared.names import HazardKind

LONGEST_S: Final = 8 * 3600.0
"""A shift. Whoever needs longer asks again."""
EVERY_RULE: Final = ""
"""The walk test's entry among drills."""
NEVER_HIDDEN: Final = frozenset(
    {HazardKind.HELP_BUTTON, HazardKind.INTERCOM_UNANSWERED, HazardKind.PANEL_ALARM}
)
"""Somebody calls, or a fire panel does, which has its own way of being switched off."""


class Order(StrEnum):
    """Under what a rule works, and under what its open hazard was raised."""

    NORMAL = "normal"
    DRILL = "drill"
    HIDDEN = "hidden"


class OrdersKept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What outlives a restart: by rule, when its drill ends by the wall clock, and how many seconds were left of it."""

    drills: dict[str, tuple[datetime, float]] = {}


@dataclass(frozen=True, slots=True)
class Orders:
    """Drills by rule with the `at` of their end, and the rules under maintenance."""

    drills: Mapping[str, float] = field(default_factory=dict[str, float])
    hidden: frozenset[str] = frozenset()

    def after(
        self, order: DrillOrder | MaintenanceOrder, rules: Iterable[str], now: Moment
    ) -> "Orders":
        """The orders after a new one; rules that are not there are left out."""
        known = frozenset(rules)
        if isinstance(order, MaintenanceOrder):
            return replace(self, hidden=order.rules & known)
        name = EVERY_RULE if order.rule is None else order.rule
        if name != EVERY_RULE and name not in known:
            return self
        drills = {k: at for k, at in self.drills.items() if k != name}
        if order.left_s > 0:
            drills[name] = now.at + min(order.left_s, LONGEST_S)
        return replace(self, drills=drills)

    def of(self, rule: str, kind: HazardKind, now: Moment) -> Order:
        """Under what a rule works now. Maintenance outdoes a drill."""
        if rule in self.hidden and kind not in NEVER_HIDDEN:
            return Order.HIDDEN
        ends = (self.drills.get(rule), self.drills.get(EVERY_RULE))
        drill = any(at is not None and now.at < at for at in ends)
        return Order.DRILL if drill else Order.NORMAL

    def kept(self, now: Moment) -> OrdersKept:
        """What to write down. Maintenance is read from its own file."""
        running = {k: at - now.at for k, at in self.drills.items() if at > now.at}
        return OrdersKept(
            drills={k: (now.time + timedelta(seconds=s), s) for k, s in running.items()}
        )


def resumed_orders(was: OrdersKept, rules: Iterable[str], now: Moment) -> Orders:
    """Drills after a restart, none longer than it was asked for; while the time is unknown, by what was left of it."""
    known = {EVERY_RULE, *rules}
    drills: dict[str, float] = {}
    for name, (ends, left_s) in was.drills.items():
        by_clock_s = (ends - now.time).total_seconds() if now.time_known else left_s
        left = min(by_clock_s, left_s, LONGEST_S)
        if left > 0 and name in known:
            drills[name] = now.at + left
    return Orders(drills)
