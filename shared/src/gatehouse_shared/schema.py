"""Generates the published schemas from the structs: JSON Schema 2020-12 of everything sent, and AsyncAPI 3 of every topic."""

import json
from typing import Any, Final

import msgspec

from gatehouse_shared.commands import NACKS, REQUESTS, RESPONSES, Ack, ConfigOffer
from gatehouse_shared.events import Event
from gatehouse_shared.out import IncidentOut, SiteStatusOut, ZoneOut
from gatehouse_shared.site import Site
from gatehouse_shared.states import STATES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Tree = dict[str, Any]

Kinds = tuple[Any, ...]

MESSAGES: Final[dict[str, tuple[str, Kinds, bool]]] = {
    "alarm": ("{shard}/{gateway}/up/alarm", (Event,), False),
    "bulk": ("{shard}/{gateway}/up/bulk", (Event,), False),
    "state": ("{shard}/{gateway}/up/state", STATES, True),
    "ack": ("{shard}/{gateway}/down/ack", (Ack,), False),
    "nack": ("{shard}/{gateway}/down/nack", NACKS, False),
    "config": ("{shard}/{gateway}/down/config", (ConfigOffer,), True),
    **{
        f"request_{v}": (f"{{shard}}/{{gateway}}/down/request/{v}", (t,), False)
        for v, t in REQUESTS.items()
    },
    **{
        f"response_{v}": (f"{{shard}}/{{gateway}}/up/response/{v}", (t,), False)
        for v, t in RESPONSES.items()
    },
    "out_incident": ("out/{site}/{class}/incident/{incident}", (IncidentOut,), True),
    "out_zone": ("out/{site}/zone/{zone}", (ZoneOut,), True),
    "out_status": ("out/{site}/status", (SiteStatusOut,), True),
}
"""Message name -> (topic below gatehouse/v1, what it carries or one of what, retained)."""


def event_schema() -> Tree:
    """JSON Schema of one event."""
    return _named_schema(Event, "Gatehouse event")


def site_schema() -> Tree:
    """JSON Schema of the site file, for editors."""
    return _named_schema(Site, "Gatehouse site file")


def asyncapi() -> Tree:
    """AsyncAPI 3.0 document of all topics."""
    flat = [kind for _, kinds, _ in MESSAGES.values() for kind in kinds]
    schemas, components = msgspec.json.schema_components(
        flat, ref_template="#/components/schemas/{name}"
    )
    left = iter(schemas)
    payloads = {name: [next(left) for _ in kinds] for name, (_, kinds, _) in MESSAGES.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gatehouse",
            "version": "1.0.0",
            "description": "What gateways and hub say to each other, and what the hub tells others. MQTT 3.1.1, QoS 1.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, topic) for name, (topic, _, _) in MESSAGES.items()},
        "operations": {
            name: {
                "action": "receive" if "/up/" in topic else "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "bindings": {"mqtt": {"qos": 1, "retain": retained}},
            }
            for name, (topic, _, retained) in MESSAGES.items()
        },
        "components": {
            "messages": {
                name: {"contentType": _content_type(name), "payload": _payload(name, several)}
                for name, several in payloads.items()
            },
            "schemas": components,
        },
    }


def render(tree: Tree) -> str:
    """The file's text: stable, two spaces, one line end."""
    return json.dumps(tree, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def documents() -> dict[str, str]:
    """File name below `shared/schema` -> text. AsyncAPI in JSON, which is YAML too."""
    return {
        "event.schema.json": render(event_schema()),
        "site.schema.json": render(site_schema()),
        "asyncapi.yaml": render(asyncapi()),
    }


def _named_schema(kind: Any, title: str) -> Tree:
    return {"$schema": DIALECT, "title": title, **msgspec.json.schema(kind)}


def _channel(name: str, topic: str) -> Tree:
    levels = [level[1:-1] for level in topic.split("/") if level.startswith("{")]
    return {
        "address": f"gatehouse/v1/{topic}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {level: {"description": _PARAMETERS[level]} for level in levels},
    }


def _content_type(name: str) -> str:
    return "application/cloudevents+json" if name in ("alarm", "bulk") else "application/json"


def _payload(name: str, kinds: list[Tree]) -> Tree:
    schema = kinds[0] if len(kinds) == 1 else {"oneOf": kinds}
    if name not in ("alarm", "bulk"):
        return schema
    return {"oneOf": [schema, {"type": "array", "items": schema, "minItems": 2, "maxItems": 100}]}


_PARAMETERS: Final = {
    "shard": "crc32 of the site id modulo 64, two digits",
    "gateway": "id of the gateway, unique in a hub",
    "site": "id of the site",
    "class": "t, c, p or h: the most sensitive member's class",
    "incident": "id of the incident",
    "zone": "id of the zone",
}
