"""Everything the demo sends in one period of its story, searched for what must never be sent."""

import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gatehouse_shared.commands import NACKS, REQUESTS, RESPONSES, Ack, ConfigOffer
from gatehouse_shared.events import HazardEvent
from gatehouse_shared.names import HazardClass, class_of
from gatehouse_shared.out import IncidentOut, SiteStatusOut, ZoneOut
from gatehouse_shared.states import STATES
from gatehouse_shared.topics import parse_topic
from gatehouse_shared.wire import Row, decode_one_of, read_rows
from gatehouse_testing.broker import free_port
from gatehouse_testing.demo.broker import Client, EmbeddedBroker
from gatehouse_testing.demo.community import write_community
from gatehouse_testing.demo.programs import Programs
from gatehouse_testing.demo.story import Access, StoryTeller, load_story
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.waiting import wait_until

pytestmark = [
    pytest.mark.long,
    # amqtt 0.12 warns of the only name its own configuration takes.
    pytest.mark.filterwarnings("ignore:The 'acl' option is deprecated:DeprecationWarning"),
]
PERIOD_S = 240.0
PICTURES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"RIFF",
    b"ftyp",
    b"\x00\x00\x01",
    b"\x1aE\xdf\xa3",
)
"""How pictures and streams begin."""
HEX = re.compile(r"^(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64})$")
INSTANT = re.compile(r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{3}Z$")
FORM = re.compile(
    r"^(/sites/|zones/|lines/|devices/|gatehouse[.]|1[.]0$|0[.]1[.]0$|[a-z][a-z0-9_]*$|P[1-4]$)"
)

Message = tuple[str, bytes]


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    """All messages on the broker between hub and gateways over one story."""
    folder = tmp_path_factory.mktemp("demo")
    port = free_port()
    community = write_community(
        folder, ROOT / "seeds", mqtt_port=port, http_port=free_port(), real=None
    )
    clients = {**community.clients, "sniffer": Client("sniff", [], ["gatehouse/#"])}
    seen: list[Message] = []
    with EmbeddedBroker(port, clients, folder), Programs(folder) as programs:
        sniffer = paho.Client(CallbackAPIVersion.VERSION2, client_id="sniffer")
        sniffer.username_pw_set("sniffer", "sniff")
        sniffer.on_message = lambda _c, _u, m: seen.append((m.topic, bytes(m.payload)))
        sniffer.connect("127.0.0.1", port)
        sniffer.subscribe("gatehouse/#", qos=1)
        sniffer.loop_start()
        programs.start(
            "hub", ["gatehouse-hub", "--config", str(community.hub_file), "serve"], os.environ
        )
        for name, file in community.gateway_files.items():
            programs.start(name, ["gatehouse-edge", "run", "--config", str(file)], os.environ)
        story = load_story(ROOT / "seeds/sites/demo/story.yaml")
        access = Access(port, "sensors", clients["sensors"].password)
        with StoryTeller(story, access, time.monotonic()):
            ends = time.monotonic() + PERIOD_S
            wait_until(lambda: time.monotonic() > ends or programs.ended(), PERIOD_S + 10)
        assert programs.ended() == []
        sniffer.disconnect()
        sniffer.loop_stop()
    return seen


def kind_of(topic: str) -> Any:
    """What a topic carries; fails for one that nobody described."""
    if topic.startswith("gatehouse/v1/out/"):
        leaf = topic.split("/", 4)[4]
        return IncidentOut if "incident" in leaf else SiteStatusOut if leaf == "status" else ZoneOut
    parsed = parse_topic(topic)
    assert parsed is not None, topic
    name, _, verb = parsed.leaf.partition("/")
    table = {"state": STATES, "ack": Ack, "nack": NACKS, "config": ConfigOffer}
    return {"request": REQUESTS, "response": RESPONSES}[name][verb] if verb else table[name]


def rows_of(traffic: list[Message]) -> Iterator[Row]:
    for topic, payload in traffic:
        if topic.endswith(("/up/alarm", "/up/bulk")):
            for row in read_rows(payload):
                assert isinstance(row, Row), row
                yield row


def test_every_message_is_what_its_topic_carries_and_nothing_else(traffic: list[Message]) -> None:
    assert len(traffic) > 100
    assert sum(1 for _ in rows_of(traffic)) > 10
    for topic, payload in traffic:
        if payload and not topic.endswith(("/up/alarm", "/up/bulk")):
            kind = kind_of(topic)
            decode_one_of(payload, kind if isinstance(kind, tuple) else (kind,))


def test_no_picture_and_no_stream_is_among_it(traffic: list[Message]) -> None:
    for topic, payload in traffic:
        assert not any(mark in payload for mark in PICTURES), topic
        assert (
            max((len(word) for word in re.findall(rb"[A-Za-z0-9+/=]+", payload)), default=0) <= 64
        ), topic


def test_every_word_is_registered_derived_or_a_time(traffic: list[Message]) -> None:
    for topic, payload in traffic:
        for word in words(json.loads(payload)) if payload else ():
            known = HEX.match(word) or INSTANT.match(word) or FORM.match(word)
            assert known, f"{word!r} on {topic}"


def words(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from words(part)


def test_no_handle_comes_back_that_is_not_a_gateways_own(traffic: list[Message]) -> None:
    """Hex words that more than one row carries are epochs of outboxes; ids never repeat over different rows."""
    seen: dict[str, set[tuple[str, str, int]]] = {}
    for row in rows_of(traffic):
        for word in words(json.loads(row.canonical)):
            if HEX.match(word):
                seen.setdefault(word, set()).add((row.key.gateway, row.key.lane, row.key.seq))
    repeated = {word for word, rows in seen.items() if len(rows) > 1}
    epochs = {row.key.epoch for row in rows_of(traffic)}
    assert repeated <= epochs
    assert len(epochs) == 3


def test_presence_names_no_place_and_small_counts_no_number(traffic: list[Message]) -> None:
    for row in rows_of(traffic):
        if (
            isinstance(row.event, HazardEvent)
            and class_of(row.event.data.kind) is HazardClass.PRESENCE
        ):
            assert b'"place"' not in row.canonical
        assert (
            not re.search(rb'"(mean|max|in|out)":[1-9][,}]', row.canonical)
            or b'"car"' in row.canonical
        )


def test_the_story_was_told_whole(traffic: list[Message]) -> None:
    kinds = {
        str(row.event.data.kind) for row in rows_of(traffic) if isinstance(row.event, HazardEvent)
    }
    assert {
        "thermal_hotspot",
        "fire_smoke",
        "lane_blocked",
        "help_button",
        "crowd_density",
    } <= kinds
