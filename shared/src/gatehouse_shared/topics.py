"""Every topic, with what it carries: built here, parsed here, and nowhere else.

| topic                                        | carries                          |
|----------------------------------------------|----------------------------------|
| gatehouse/v1/{shard}/{gateway}/up/alarm      | Event or array of Event          |
| gatehouse/v1/{shard}/{gateway}/up/bulk       | Event or array of Event          |
| gatehouse/v1/{shard}/{gateway}/up/state      | State, retained                  |
| gatehouse/v1/{shard}/{gateway}/up/response/{verb} | RESPONSES[verb]             |
| gatehouse/v1/{shard}/{gateway}/down/ack      | Ack                              |
| gatehouse/v1/{shard}/{gateway}/down/nack     | Nack                             |
| gatehouse/v1/{shard}/{gateway}/down/request/{verb} | REQUESTS[verb]             |
| gatehouse/v1/{shard}/{gateway}/down/config   | ConfigOffer, retained            |
| gatehouse/v1/out/{site}/…                    | out.py, retained                 |
"""

from dataclasses import dataclass
from typing import Final

from gatehouse_shared.ids import is_id, shard_of

ROOT: Final = "gatehouse/v1"


@dataclass(frozen=True, slots=True)
class GatewayTopic:
    """A topic below one gateway: `leaf` is all after `up/` or `down/`, such as `alarm` or `request/time`."""

    shard: str
    gateway: str
    direction: str
    leaf: str


def up(site: str, gateway: str, leaf: str) -> str:
    """Where a gateway of a site writes `leaf`."""
    return f"{ROOT}/{shard_of(site)}/{gateway}/up/{leaf}"


def down(site: str, gateway: str, leaf: str) -> str:
    """Where a gateway of a site reads `leaf`."""
    return f"{ROOT}/{shard_of(site)}/{gateway}/down/{leaf}"


def hub_subscriptions(shard: str = "+") -> tuple[str, ...]:
    """What the hub reads of a shard, or of all: the lanes on two connections, in this order; state and answers with the first."""
    return (
        f"{ROOT}/{shard}/+/up/alarm",
        f"{ROOT}/{shard}/+/up/bulk",
        f"{ROOT}/{shard}/+/up/state",
        f"{ROOT}/{shard}/+/up/response/+",
    )


def gateway_subscription(site: str, gateway: str) -> str:
    """What a gateway reads: its own `down/` and nothing else."""
    return down(site, gateway, "#")


def parse_topic(topic: str) -> GatewayTopic | None:
    """The parts of a gateway's topic; None for anything else, whatever it is."""
    levels = topic.split("/")
    if len(levels) not in (6, 7) or "/".join(levels[:2]) != ROOT:
        return None
    shard, gateway, direction = levels[2], levels[3], levels[4]
    if (
        len(shard) != 2
        or not shard.isdigit()
        or not is_id(gateway)
        or direction not in ("up", "down")
    ):
        return None
    return GatewayTopic(shard, gateway, direction, "/".join(levels[5:]))


def out(site: str, leaf: str) -> str:
    """Where the hub tells others about a site."""
    return f"{ROOT}/out/{site}/{leaf}"


def out_incident(site: str, hazard_class: str, incident: str) -> str:
    """The topic of one incident, under the class of its most sensitive member."""
    return out(site, f"{hazard_class}/incident/{incident}")
