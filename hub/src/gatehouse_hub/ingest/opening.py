"""What an arrival is: rows, a birth or death, an answer, or nothing that may be read. Pure.

Every arrival becomes exactly one of these; what cannot be read is returned with its reason, never dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.reading import Sender, read_message
from gatehouse_hub.ingest.storing import Letter, ReturnedLetter
from gatehouse_hub.store.quarantine import UNREGISTERED, Refused
from gatehouse_hub.values import Sample
from gatehouse_shared.commands import RESPONSES, Response, TimeResponse
from gatehouse_shared.errors import RefusalReason, WireError
from gatehouse_shared.names import Lane
from gatehouse_shared.states import Birth, Death
from gatehouse_shared.topics import parse_topic
from gatehouse_shared.wire import PACKET_MAX_BYTES, decode, sha256_hex

LANES: Final = {lane.value: lane for lane in Lane}


@dataclass(frozen=True, slots=True)
class StateCame:
    """A birth or a death of a registered gateway."""

    sender: Sender
    state: Birth | Death
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class AnswerCame:
    """An answer of a registered gateway."""

    sender: Sender
    answer: TimeResponse | Response
    arrival: Arrival


Opened = Letter | ReturnedLetter | StateCame | AnswerCame


def open_arrival(
    arrival: Arrival,
    find_sender: Callable[[str], Sender | None],
    find_sample: Callable[[str], Sample | None],
) -> Opened | None:
    """Read one arrival. None for the empty message that takes a retained one away."""
    topic = parse_topic(arrival.topic)
    sender = find_sender(topic.gateway) if topic is not None else None
    gateway = topic.gateway if topic is not None else ""
    try:
        if topic is None or topic.direction != "up":
            raise WireError(RefusalReason.WRONG_TOPIC, "not a topic that gateways write")
        if topic.leaf == "state" and not arrival.payload:
            return None
        if sender is None:
            raise WireError(RefusalReason.UNKNOWN_GATEWAY, "no site file names this gateway")
        return _read(arrival, topic.leaf, sender, find_sample(topic.gateway))
    except WireError as refusal:
        return ReturnedLetter(sender=sender, refused=refuse(arrival, gateway, sender, refusal))


def refuse(arrival: Arrival, gateway: str, sender: Sender | None, refusal: WireError) -> Refused:
    """The arrival as it goes to quarantine."""
    return Refused(
        owner=sender.gateway if sender is not None else UNREGISTERED,
        gateway=gateway,
        sha256=arrival.sha256 or sha256_hex(arrival.payload),
        reason=refusal.reason,
        message=refusal.message,
        topic=arrival.topic,
        key=None,
        payload=arrival.payload,
        size_bytes=arrival.size_bytes,
        arrived_ms=arrival.arrived_ms,
    )


def _read(arrival: Arrival, leaf: str, sender: Sender, sample: Sample | None) -> Opened:
    if arrival.size_bytes > PACKET_MAX_BYTES:
        raise WireError(
            RefusalReason.TOO_LARGE,
            f"{arrival.size_bytes} bytes, at most {PACKET_MAX_BYTES} a packet",
        )
    if leaf in LANES:
        return Letter(
            topic=arrival.topic,
            sender=sender,
            reading=read_message(LANES[leaf], arrival.payload, sender),
            sample=sample,
            arrived_ms=arrival.arrived_ms,
        )
    if leaf == "state":
        return StateCame(sender, _read_state(arrival.payload), arrival)
    verb = leaf.removeprefix("response/")
    if verb == leaf or verb not in RESPONSES:
        raise WireError(RefusalReason.WRONG_TOPIC, "no such topic in version 1")
    if verb == "time":
        return AnswerCame(sender, decode(arrival.payload, TimeResponse), arrival)
    return AnswerCame(sender, decode(arrival.payload, Response), arrival)


def _read_state(payload: bytes) -> Birth | Death:
    """A birth or a death, told apart by what they hold."""
    if b'"epochs":' in payload:
        return decode(payload, Birth)
    return decode(payload, Death)
