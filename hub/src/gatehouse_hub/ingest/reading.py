"""A message from a lane, judged: whose it is, what may be stored, what is refused and why. Pure.

Rule  a message is its sender's own: the gateway of its topic, of its body and of the registry are one, and so are the
      sites. A row that carries its sender's own key and fails a further rule is refused alone and is accounted for; a message
      that cannot be read, or is somebody else's, is refused whole and is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from gatehouse_hub.ingest.quick import QuickReader
from gatehouse_shared.classes import check_event
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.events import Event
from gatehouse_shared.ids import HUB_GATEWAY
from gatehouse_shared.names import Lane
from gatehouse_shared.site import Site
from gatehouse_shared.states import WIRE_MINOR
from gatehouse_shared.wire import BadRow, Row, read_rows


@dataclass(frozen=True, slots=True)
class Sender:
    """A registered gateway. `sites` are the versions of its site file to check against, likeliest first."""

    gateway: str
    site: str
    sites: Sequence[Site]
    wire: int = 0
    quick: QuickReader = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        reader = QuickReader(self.site, self.gateway, partial(check_against, sites=self.sites))
        object.__setattr__(self, "quick", reader)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message holds: rows to store, rows refused alone."""

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]


def read_message(lane: Lane, payload: bytes, sender: Sender) -> Reading:
    """The rows of one message. WireError when the whole of it is refused."""
    right = sender.quick.read(lane, payload)
    return read_carefully(lane, payload, sender) if right is None else Reading(right, ())


def read_carefully(lane: Lane, payload: bytes, sender: Sender) -> Reading:
    """The same by every rule, with the reason for what is refused."""
    found = read_rows(payload)
    for row in found:
        _check_identity(row.key.gateway, row.key.site, sender)
    judged = tuple(_judge(row, lane, sender) for row in found)
    return Reading(
        tuple(row for row in judged if isinstance(row, Row)),
        tuple(row for row in judged if isinstance(row, BadRow)),
    )


def _check_identity(gateway: str, site: str, sender: Sender) -> None:
    if gateway == HUB_GATEWAY:
        raise WireError(RefusalReason.HUB_ONLY, "only the hub itself writes as the hub")
    if gateway != sender.gateway:
        raise WireError(RefusalReason.WRONG_IDENTITY, "body and topic name different gateways")
    if site != sender.site:
        raise WireError(RefusalReason.WRONG_IDENTITY, "the gateway belongs to another site")


def _judge(row: Row | BadRow, lane: Lane, sender: Sender) -> Row | BadRow:
    if isinstance(row, BadRow):
        return _explain(row, sender)
    if row.key.lane is not lane:
        return _refuse(row, RefusalReason.WRONG_TOPIC, "a row of the other lane")
    refusal = check_against(row.event, sender.sites)
    return row if refusal is None else _refuse(row, refusal.reason, refusal.message)


def check_against(event: Event, sites: Sequence[Site]) -> WireError | None:
    """What speaks against a row under every version of its site file; None when one of them allows it.

    The likeliest version's objection is the one reported.
    """
    first: WireError | None = None
    for site in sites:
        try:
            check_event(event, site)
        except WireError as refusal:
            first = first or refusal
        else:
            return None
    return first or WireError(RefusalReason.UNKNOWN_NAME, "the site has no file")


def _refuse(row: Row, reason: RefusalReason, message: str) -> BadRow:
    return BadRow(row.key, reason, message, row.canonical, row.sha256)


def _explain(row: BadRow, sender: Sender) -> BadRow:
    """A better reason than "unknown field" where we have one."""
    if row.reason is not RefusalReason.UNKNOWN_FIELD:
        return row
    if b'"evaluation":' in row.raw:
        reason, message = RefusalReason.EVALUATION, "made from a recording; it did not happen"
    elif sender.wire > WIRE_MINOR:
        reason, message = RefusalReason.NEWER_WIRE, "the gateway is newer than the hub"
    else:
        return row
    return BadRow(row.key, reason, message, row.raw, row.sha256)
