"""The desk's workflow as a table: what a person may do with an incident, and where it takes it. Pure.

The hub proposes and a person decides: no transition here happens by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gatehouse_shared.out import IncidentState


class Action(StrEnum):
    """What an operator may do."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REOPEN = "reopen"


class Cause(StrEnum):
    """What it turned out to be; asked for when an incident is resolved."""

    REAL = "real"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    WORKS = "works"
    WEATHER = "weather"
    ANIMAL = "animal"
    EQUIPMENT = "equipment"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


class RefusalOfAction(StrEnum):
    """Why an action was not taken."""

    NOT_FROM_HERE = "not_from_here"
    CAUSE_MISSING = "cause_missing"


TRANSITIONS: Final[Mapping[tuple[IncidentState, Action], IncidentState]] = {
    (IncidentState.OPEN, Action.ACKNOWLEDGE): IncidentState.ACKNOWLEDGED,
    (IncidentState.OPEN, Action.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.ACKNOWLEDGED, Action.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.RESOLVED, Action.REOPEN): IncidentState.ACKNOWLEDGED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an incident after an action; `refused` says why nothing does."""

    status: IncidentState
    changed: bool
    refused: RefusalOfAction | None = None


def decide(status: IncidentState, action: Action, cause: Cause | None = None) -> Decision:
    """Take an action. Repeating one that was taken changes nothing and is no error, so that two operators may both press.

    >>> decide(IncidentState.OPEN, Action.ACKNOWLEDGE).status
    <IncidentState.ACKNOWLEDGED: 'acknowledged'>
    """
    done = {Action.ACKNOWLEDGE: IncidentState.ACKNOWLEDGED, Action.RESOLVE: IncidentState.RESOLVED}
    if done.get(action) is status:
        return Decision(status, changed=False)
    after = TRANSITIONS.get((status, action))
    if after is None:
        return Decision(status, changed=False, refused=RefusalOfAction.NOT_FROM_HERE)
    if action is Action.RESOLVE and cause is None:
        return Decision(status, changed=False, refused=RefusalOfAction.CAUSE_MISSING)
    return Decision(after, changed=True)
