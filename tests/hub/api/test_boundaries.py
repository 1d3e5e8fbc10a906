"""Who may see and do what: walked over every address of the OpenAPI document."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from gatehouse_hub.api.openapi import openapi_tree
from gatehouse_hub.store.users import Role, Scope
from gatehouse_testing.desk import Front

pytestmark = pytest.mark.anyio
BODIES: dict[str, dict[str, Any]] = {
    "acknowledge": {"at_site": True},
    "resolve": {"cause": "real"},
    "change_password": {"current": "x", "new": "another long password"},
    "create_user": {"name": "new_one", "role": "viewer", "sites": ["hilltop"]},
    "change_user": {"disabled": True},
    "create_token": {"name": "bridge", "scopes": ["read"], "sites": ["hilltop"]},
}
OPEN = {"sign_in", "get_health"}
"""All that an anonymous caller may reach."""


def operations() -> Iterator[tuple[str, str, str]]:
    for path, methods in openapi_tree()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation["operationId"]


ALL = sorted(operations())
CHANGING = [o for o in ALL if o[0] not in ("GET", "HEAD") and o[2] not in OPEN]
NAMES = [o[2] for o in ALL]


@pytest.fixture
def objects(front: Front) -> dict[str, str]:
    """Objects of the site `hilltop`, by the name of their path parameter."""
    front.add_site("riverside")
    front.add_site("hilltop")
    incident = front.hot_shed("hilltop")
    front.refuse("hilltop")
    password = front.add_user("hill_admin", Role.ADMIN)
    opened = front.services.people.sign_in("hill_admin", password, "10.0.0.9")
    caller = opened.session.caller
    token, _ = front.services.accounts.create_token(
        caller, "bridge", frozenset({Scope.READ}), None, timedelta(days=1)
    )
    return {
        "site": "hilltop",
        "gateway": "gw_hilltop",
        "incident": incident,
        "token": token.id,
        "name": "hill_admin",
    }


def address(path: str, objects: dict[str, str]) -> str:
    filled = re.sub(r"{(\w+)}", lambda match: objects[match[1]], path)
    return f"{filled}?site={objects['site']}" if path.endswith("/live") else filled


def test_every_operation_with_a_body_has_one_in_this_test():
    tree = openapi_tree()["paths"]
    with_body = {
        o["operationId"] for path in tree.values() for o in path.values() if "requestBody" in o
    }
    assert with_body == BODIES.keys() | {"sign_in"}


@pytest.mark.parametrize(("method", "path", "name"), ALL, ids=NAMES)
async def test_nobody_gets_past_the_door_without_proof(front, objects, method, path, name):
    async with front.client() as client:
        answer = await client.request(method, address(path, objects), json=BODIES.get(name))
    expected = {"sign_in": 422, "get_health": 200}.get(name, 401)
    assert answer.status_code == expected
    if expected != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
@pytest.mark.parametrize(
    ("method", "path", "name"), [o for o in ALL if "{" in o[1] or o[1].endswith("/live")],
    ids=[o[2] for o in ALL if "{" in o[1] or o[1].endswith("/live")],
)  # fmt: skip
async def test_a_user_of_one_site_gets_nothing_of_another(front, objects, method, path, name, role):
    password = front.add_user("river", role, "riverside")
    # A live stream that opened would never end.
    with anyio.fail_after(20):
        async with front.signed_in("river", password) as client:
            await refuses_alike(client, objects, method, path, name)


async def refuses_alike(
    client: httpx.AsyncClient, objects: dict[str, str], method: str, path: str, name: str
) -> None:
    """What is another's and what is nowhere get the same refusal."""
    answer = await client.request(method, address(path, objects), json=BODIES.get(name))
    assert answer.status_code in (403, 404)
    nowhere = {
        "site": "nowhere",
        "gateway": "nobody",
        "incident": "0" * 32,
        "token": "0" * 16,
        "name": "nobody",
    }
    other = await client.request(method, address(path, nowhere), json=BODIES.get(name))
    assert (other.status_code, other.text) == (answer.status_code, answer.text)


@pytest.mark.parametrize(("method", "path", "name"), CHANGING, ids=[o[2] for o in CHANGING])
@pytest.mark.parametrize(
    "spoil",
    [
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "guessed"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=["no token", "wrong token", "foreign origin", "null origin", "cross site"],
)
async def test_nothing_changes_for_a_page_that_is_not_ours(
    front, objects, method, path, name, spoil
):
    password = front.add_user("chief", Role.ADMIN)
    async with front.signed_in("chief", password) as client:
        answer = await client.request(
            method, address(path, objects), json=BODIES.get(name), headers=spoil
        )
    assert answer.status_code == 403
    assert answer.json()["type"].rpartition(":")[2] in ("csrf", "foreign_origin")


async def test_signing_in_from_a_foreign_page_is_refused(front):
    front.add_user("chief", Role.ADMIN)
    async with front.client() as client:
        body = {"name": "chief", "password": "correct horse battery"}
        answer = await client.post(
            "/api/v1/session", json=body, headers={"Origin": "http://evil.example"}
        )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "name"), [o for o in CHANGING if "session" not in o[1]],
    ids=[o[2] for o in CHANGING if "session" not in o[1]],
)  # fmt: skip
async def test_a_reading_token_changes_nothing(front, objects, method, path, name):
    secret = await make_token(front, ["read"], None)
    async with front.client() as client:
        answer = await client.request(
            method,
            address(path, objects),
            json=BODIES.get(name),
            headers={"Authorization": f"Bearer {secret}"},
        )
    assert answer.status_code in (403, 404)


async def make_token(front: Front, scopes: list[str], sites: list[str] | None) -> str:
    password = front.add_user("maker", Role.ADMIN)
    async with front.signed_in("maker", password) as client:
        body = {"name": "bridge", "scopes": scopes, "sites": sites}
        answer = await client.post("/api/v1/tokens", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["secret"]


async def test_a_viewer_sees_nothing_of_presence(front):
    front.add_site("riverside")
    incident = front.intrusion("riverside")
    password = front.add_user("guest", Role.VIEWER, "riverside")
    async with front.signed_in("guest", password) as client:
        assert (await get(client, "/sites/riverside/hazards"))["hazards"] == []
        assert (await get(client, "/sites/riverside/incidents"))["incidents"] == []
        assert (await get(client, "/sites"))["sites"][0]["open_incidents"] == 0
        assert (await client.get(f"/api/v1/incidents/{incident}")).status_code == 404
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    async with front.signed_in("desk", password) as client:
        assert len((await get(client, "/sites/riverside/hazards"))["hazards"]) == 1
        assert (await client.get(f"/api/v1/incidents/{incident}")).status_code == 200


async def get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()
