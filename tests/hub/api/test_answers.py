"""Every answer is exactly what the OpenAPI document says."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from gatehouse_hub.api.openapi import main, openapi_tree, write_openapi
from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.store import consumers, notifications, progress
from gatehouse_hub.store.progress import Gap
from gatehouse_hub.store.users import Role, Scope
from gatehouse_hub.values import LaneKey
from gatehouse_shared.events import (
    AgeBand,
    Band,
    CameraHealth,
    CameraState,
    CountData,
    GatewayHealth,
    HazardData,
    HealthData,
)
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardClass, HazardKind, Label, Lane, Phase
from gatehouse_testing.desk import EPOCH, Front
from gatehouse_testing.dev.paths import ROOT

pytestmark = pytest.mark.anyio
TREE = openapi_tree()


def check(path: str, method: str, status: int, body: Any) -> None:
    content = TREE["paths"][path][method]["responses"][str(status)]["content"]
    schema = next(iter(content.values()))["schema"]
    jsonschema.Draft202012Validator({**schema, "components": TREE["components"]}).validate(body)


async def fetch(client: Any, path: str, **values: str) -> Any:
    answer = await client.get(re.sub(r"{(\w+)}", lambda match: values[match[1]], path))
    assert answer.status_code == 200, answer.text
    check(path, "get", 200, answer.json())
    return answer.json()


def count(mean: Any, zone: str = "plaza", window_s: Any = 60) -> CountData:
    return CountData(
        zone=zone, device="cam_plaza", label=Label.PERSON, window_s=window_s, mean=mean, max=mean,
        coverage=20, quality=20,
    )  # fmt: skip


def test_the_committed_document_is_current():
    assert write_openapi(ROOT / "hub" / "console" / "openapi.json", check=True)


def test_the_document_can_be_written_and_a_stale_one_is_noticed(tmp_path):
    path = tmp_path / "console" / "openapi.json"
    assert main(["--check", str(path)]) == 1
    assert main([str(path)]) == 0
    assert main(["--check", str(path)]) == 0
    path.write_text(path.read_text() + " ")
    assert main(["--check", str(path)]) == 1


async def test_the_whole_story_of_a_fire_can_be_read_and_handled(either_front: Front):
    front = either_front
    front.add_site("riverside")
    incident = front.hot_shed("riverside")
    front.clock.move(60)
    cleared = HazardData(
        hazard=2, phase=Phase.CLEARED, kind=HazardKind.FIRE_SMOKE, zone="shed",
        device="smoke_shed", rule="rule_1", grade=3, confidence=18, confirm_s=10, armed=True,
        drill=False,
    )  # fmt: skip
    front.store("riverside", cleared, Lane.ALARM)
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    async with front.signed_in("desk", password) as client:
        sites = await fetch(client, "/api/v1/sites")
        assert sites["sites"][0]["open_incidents"] == 1
        plan = await fetch(client, "/api/v1/sites/{site}", site="riverside")
        assert plan["bounds"] == [0, 0, 60, 20]
        assert next(z for z in plan["zones"] if z["id"] == "lane")["neighbours"] == ["shed"]
        hazards = await fetch(client, "/api/v1/sites/{site}/hazards", site="riverside")
        smoke, hot = hazards["hazards"]
        assert (smoke["state"], hot["state"]) == ("cleared", "open")
        assert hot["measure"] == {
            "quantity": "temperature", "value": 81.5, "threshold": 70.0, "unit": "C",
        }  # fmt: skip
        assert {smoke["incident"], hot["incident"]} == {incident}
        listed = await fetch(client, "/api/v1/sites/{site}/incidents", site="riverside")
        assert [i["id"] for i in listed["incidents"]] == [incident]
        detail = await fetch(client, "/api/v1/incidents/{incident}", incident=incident)
        assert [m["hazard"]["kind"] for m in detail["members"]] == ["thermal_hotspot", "fire_smoke"]
        reasons = detail["members"][1]["links"][0]["reasons"]
        assert reasons
        assert all(r["text"]["en"] and r["text"]["zh-CN"] for r in reasons)
        assert [e["step"] for e in detail["timeline"]] == ["raised", "raised", "cleared"]

        path = f"/api/v1/incidents/{incident}"
        seen = await client.post(f"{path}/acknowledge", json={"at_site": True, "note": "on my way"})
        check("/api/v1/incidents/{incident}/acknowledge", "post", 200, seen.json())
        assert (seen.json()["state"], seen.json()["acknowledged_by"]) == ("acknowledged", "desk")
        asked = front.asked_of_gateways()
        assert len(asked) == seen.json()["hazards"]
        assert all(request.at_site and request.by_role == "operator" for request in asked)
        again = await client.post(f"{path}/acknowledge", json={})
        assert again.json()["acknowledged_at"] == seen.json()["acknowledged_at"]
        over = await client.post(f"{path}/resolve", json={"cause": "real", "note": "battery out"})
        assert (over.json()["state"], over.json()["cause"]) == ("resolved", "real")
        refused = await client.post(f"{path}/acknowledge", json={})
        check("/api/v1/incidents/{incident}/acknowledge", "post", 409, refused.json())
        assert refused.status_code == 409
        detail = await fetch(client, "/api/v1/incidents/{incident}", incident=incident)
        assert [e["note"] for e in detail["timeline"]][-2:] == ["on my way", "battery out"]
        resolved = await client.get("/api/v1/sites/riverside/incidents?state=resolved")
        assert len(resolved.json()["incidents"]) == 1
        unresolved = "/api/v1/sites/riverside/incidents?state=open&state=acknowledged"
        assert (await client.get(unresolved)).json()["incidents"] == []


async def test_incidents_are_read_page_by_page(front: Front):
    front.add_site("riverside")
    for _ in range(3):
        front.intrusion("riverside")
        front.clock.move(4 * 3600)
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    seen: list[str] = []
    async with front.signed_in("desk", password) as client:
        before = ""
        while True:
            page = (await client.get(f"/api/v1/sites/riverside/incidents?limit=1{before}")).json()
            seen += [i["id"] for i in page["incidents"]]
            if page["next_before"] is None:
                break
            before = f"&before={page['next_before']}"
    assert len(seen) == len(set(seen)) == 3


async def test_small_numbers_are_few_and_a_silent_zone_is_blind(either_front: Front):
    front = either_front
    front.add_site("riverside")
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    async with front.signed_in("desk", password) as client:

        async def plaza() -> Any:
            answer = await fetch(client, "/api/v1/sites/{site}/occupancy", site="riverside")
            return {zone["zone"]: zone for zone in answer["zones"]}

        zones = await plaza()
        assert (zones["plaza"]["sight"], zones["plaza"]["count"]) == ("blind", None)
        assert zones["shed"]["sight"] == "uncounted"
        front.store("riverside", count("lt10"), ago_s=60)
        zones = await plaza()
        assert (zones["plaza"]["sight"], zones["plaza"]["count"]) == ("live", "few")
        assert (zones["plaza"]["low"], zones["plaza"]["high"]) == (None, None)
        front.clock.move(60)
        front.store("riverside", count(600), ago_s=60)
        plaza_now = (await plaza())["plaza"]
        assert plaza_now["count"] == 600
        assert plaza_now["low"] < 600 < plaza_now["high"]
        assert plaza_now["level"] > 0
        front.clock.move(3600)
        gone = (await plaza())["plaza"]
        assert (gone["sight"], gone["count"], gone["level"]) == ("blind", None, None)
        assert gone["age_s"] == 3600


async def test_a_viewer_gets_rounded_quarters_of_an_hour_and_no_live_number(front: Front):
    front.add_site("riverside")  # at seven past the hour
    for minute in range(7, 22):
        front.store("riverside", count(43), ago_s=60 * minute)
    front.store("riverside", count(97), ago_s=60)
    password = front.add_user("guest", Role.VIEWER, "riverside")
    async with front.signed_in("guest", password) as client:
        answer = await fetch(client, "/api/v1/sites/{site}/occupancy", site="riverside")
    plaza = next(zone for zone in answer["zones"] if zone["zone"] == "plaza")
    assert (plaza["count"], plaza["window_s"], plaza["low"], plaza["high"]) == (45, 900, None, None)
    assert plaza["level"] == 0
    assert plaza["window_start"] == "2026-05-04T11:45:00.000Z"


async def test_a_viewer_reads_no_number_of_persons_and_no_note(front: Front):
    front.add_site("riverside")
    front.raise_hazard("riverside", HazardKind.CROWD_DENSITY, "plaza", "cam_plaza", count=640)
    [incident] = front.link()
    desk = front.add_user("desk", Role.OPERATOR, "riverside")
    async with front.signed_in("desk", desk) as client:
        await client.post(f"/api/v1/incidents/{incident}/acknowledge", json={"note": "secret"})
        full = await fetch(client, "/api/v1/incidents/{incident}", incident=incident)
        assert full["members"][0]["hazard"]["count"] == 640
    guest = front.add_user("guest", Role.VIEWER, "riverside")
    async with front.signed_in("guest", guest) as client:
        answer = await client.get(f"/api/v1/incidents/{incident}")
        hazards = await client.get("/api/v1/sites/riverside/hazards")
    assert answer.status_code == 200
    for text in (answer.text, hazards.text):
        assert "640" not in text
        assert "secret" not in text


async def test_gateways_say_what_sees_and_what_does_not(front: Front):
    front.add_site("riverside")
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    camera = CameraHealth(state=CameraState.DOWN, decode=0, inference=0, reconnects=Band.FEW)
    load = GatewayHealth(cpu=3, memory=4, disk=5, outbox_rows=Band.NONE, outbox_age=AgeBand.SECONDS)
    front.store("riverside", HealthData(gateway=load))
    front.refuse("riverside")
    front.refuse("riverside")
    front.store("riverside", HealthData(camera=camera), subject="devices/cam_plaza")
    async with front.signed_in("desk", password) as client:
        [gateway] = (await fetch(client, "/api/v1/sites/{site}/gateways", site="riverside"))[
            "gateways"
        ]
        quarantine = await fetch(client, "/api/v1/sites/{site}/quarantine", site="riverside")
        sites = await fetch(client, "/api/v1/sites")
    states = {d["device"]: d["state"] for d in gateway["devices"]}
    assert states == {
        "cam_plaza": "down", "cam_lane": "unknown", "thermal_shed": "unknown", "smoke_shed": "ok",
    }  # fmt: skip
    assert (gateway["presence"], gateway["load"]["cpu"]) == ("online", 3)
    assert sites["sites"][0]["blind"] == 1
    [row] = quarantine["rows"]
    assert (row["seen"], row["reason"], gateway["quarantined"]) == (2, "not_json", 1)


async def test_what_came_through_of_a_gateway_can_be_read(either_front: Front):
    front = either_front
    front.add_site("riverside")
    front.store("riverside", HealthData(gateway=GatewayHealth(
        cpu=3, memory=4, disk=5, outbox_rows=Band.NONE, outbox_age=AgeBand.SECONDS,
    )))  # fmt: skip
    lane = LaneKey("gw_riverside", EPOCH, Lane.BULK)
    with front.database.transaction() as tx:
        marks = progress.lock(tx, [lane])
        marks[lane].added.append((1, 1))
        progress.add_gaps(tx, marks, [Gap(lane, 2, 38, "dropped_bytes", 37, 0)])
        progress.settle(tx, marks)
    password = front.add_user("guest", Role.VIEWER, "riverside")
    async with front.signed_in("guest", password) as client:
        found = await fetch(
            client, "/api/v1/sites/{site}/gateways/{gateway}/gaps", site="riverside", gateway="gw_riverside"
        )  # fmt: skip
        strange = await client.get("/api/v1/sites/riverside/gateways/gw_other/gaps")
    assert (found["complete"], found["missing"], found["on_the_way"]) == (False, 37, 0)
    assert found["gaps"][0]["reason"] == "dropped_bytes"
    assert found["lanes"][0]["upto"] == 38
    assert strange.status_code == 404


async def test_operators_see_who_was_told_who_was_not_and_what_did_not_arrive(front: Front):
    front.add_site("riverside")
    public = frozenset({HazardClass.THING})
    desk = Consumer("duty_desk", frozenset({"riverside"}), public, "P3")
    with front.database.transaction() as tx:
        consumers.replace_consumers(
            tx, [desk, replace(desk, id="mayor", min_priority="P1"), replace(desk, id="far", sites=frozenset({"x"}))], 0
        )  # fmt: skip
    front.raise_hazard("riverside", HazardKind.FIRE_SMOKE, "shed", "smoke_shed")
    incident = front.link()[0]
    now_ms = to_ms(front.clock.now())
    with front.database.transaction() as tx:
        claimed = notifications.claim(tx, "duty_desk", now_ms, now_ms + 1)
        assert claimed is not None
        notifications.mark_failed(tx, claimed, "timeout", due_ms=now_ms + 4_000, now_ms=now_ms)
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    guest = front.add_user("guest", Role.VIEWER, "riverside")
    async with front.signed_in("desk", password) as client:
        story = await fetch(client, "/api/v1/incidents/{incident}", incident=incident)
        left = await fetch(client, "/api/v1/sites/{site}/notifications", site="riverside")
    assert [(t["consumer"], t["what"], t["delivery"]) for t in story["told"]] == [
        ("duty_desk", "opened", "waiting")
    ]
    assert {(n["consumer"], n["reason"]) for n in story["not_told"]} == {
        ("mayor", "below_its_priority"),
        ("far", "not_its_site"),
    }
    assert [(c["consumer"], c["waiting"]) for c in left["consumers"]] == [
        ("duty_desk", 1),
        ("mayor", 0),
    ]
    assert [(n["reason"], n["attempts"]) for n in left["undelivered"]] == [("timeout", 1)]
    async with front.signed_in("guest", guest) as client:
        story = await fetch(client, "/api/v1/incidents/{incident}", incident=incident)
        assert (story["told"], story["not_told"]) == ([], [])
        assert (await client.get("/api/v1/sites/riverside/notifications")).status_code == 403


async def test_people_and_their_tokens_fit_the_document(front: Front):
    password = front.add_user("chief", Role.ADMIN)
    async with front.signed_in("chief", password) as client:
        made = await client.post(
            "/api/v1/users", json={"name": "desk", "role": "operator", "sites": ["riverside"]}
        )
        check("/api/v1/users", "post", 201, made.json())
        token = await client.post(
            "/api/v1/tokens", json={"name": "bridge", "scopes": ["read"], "sites": None}
        )
        check("/api/v1/tokens", "post", 201, token.json())
        for path in ("/api/v1/users", "/api/v1/tokens", "/api/v1/audit", "/api/v1/session"):
            await fetch(client, path)
        wrong = await client.post("/api/v1/tokens", json={"name": "x", "scopes": ["all"]})
        check("/api/v1/tokens", "post", 422, wrong.json())
        assert wrong.json()["errors"][0]["field"] == "body.scopes.0"


def test_a_token_lives_as_long_as_it_says(front: Front):
    front.add_user("chief", Role.ADMIN)
    caller = front.services.people.sign_in("chief", "correct horse battery", "x").session.caller
    _, secret = front.services.accounts.create_token(
        caller, "bridge", frozenset({Scope.OPERATE}), None, timedelta(days=2)
    )
    front.clock.move(2 * 86_400 - 1)
    assert front.services.people.find_token(secret)
    front.clock.move(1)
    assert front.services.people.find_token(secret) is None
