import logging
from datetime import timedelta

import pytest

from gatehouse_hub.api.accounts import ensure_first_admin, reset_password
from gatehouse_hub.api.problems import ProblemError
from gatehouse_hub.store.sessions import MAX_SESSIONS
from gatehouse_hub.store.users import Role, Scope
from gatehouse_testing.desk import QUICK, ROOT_CALLER, Front

pytestmark = pytest.mark.anyio
SESSION = "/api/v1/session"


def test_the_first_start_makes_one_administrator_and_says_the_password_once(either_front: Front):
    front = either_front
    password = ensure_first_admin(front.database, front.clock, QUICK)
    assert password
    assert len(password) == 23
    assert ensure_first_admin(front.database, front.clock, QUICK) is None
    opened = front.services.people.sign_in("admin", password, "x")
    assert opened.session.must_change_password
    assert opened.session.caller.may_administer


def test_two_first_passwords_are_never_the_same(front: Front, tmp_path):
    first = ensure_first_admin(front.database, front.clock, QUICK)
    again = reset_password(front.database, front.clock, "admin", QUICK)
    assert again != first
    assert reset_password(front.database, front.clock, "nobody", QUICK) is None


async def test_a_one_time_password_opens_nothing_but_its_own_change(front: Front):
    once = ensure_first_admin(front.database, front.clock, QUICK)
    assert once is not None
    async with front.signed_in("admin", once) as client:
        refused = await client.get("/api/v1/sites")
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:gatehouse:problem:password_change_required"
        for new, status in (
            (once, 409), ("short", 422), ("i am the admin", 409), ("horse battery staple", 200),
        ):  # fmt: skip
            answer = await client.post(f"{SESSION}/password", json={"current": once, "new": new})
            assert answer.status_code == status, answer.text
        assert (await client.get("/api/v1/sites")).status_code == 200
        assert (await client.delete(SESSION)).status_code == 403, "the CSRF token is a new one"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(front: Front):
    front.add_user("chief", Role.ADMIN)
    async with front.client() as client:
        answer = await client.post(
            SESSION, json={"name": "chief", "password": "correct horse battery"}
        )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


async def test_signing_out_ends_the_session(front: Front):
    password = front.add_user("chief", Role.ADMIN)
    async with front.signed_in("chief", password) as client:
        cookie = client.cookies["gatehouse_session"]
        assert (await client.delete(SESSION)).status_code == 204
        client.cookies.set("gatehouse_session", cookie)
        assert (await client.get(SESSION)).status_code == 401


async def test_a_session_ends_by_itself(front: Front):
    password = front.add_user("chief", Role.ADMIN)
    async with front.signed_in("chief", password) as client:
        front.clock.move(13 * 3600 - 1)
        assert (await client.get(SESSION)).status_code == 200
        front.clock.move(1)
        assert (await client.get(SESSION)).status_code == 401


def test_a_user_has_at_most_so_many_sessions_and_the_oldest_goes(front: Front):
    password = front.add_user("chief", Role.ADMIN)
    secrets = []
    for _ in range(MAX_SESSIONS + 1):
        front.clock.move(60)
        secrets.append(front.services.people.sign_in("chief", password, "x").secret)
    find = front.services.people.find_session
    assert find(secrets[0]) is None
    assert all(find(secret) for secret in secrets[1:])


async def test_a_change_of_rights_ends_the_sessions_and_the_tokens_lose_what_is_lost(front: Front):
    front.add_site("riverside")
    front.add_user("chief", Role.ADMIN)
    people, accounts = front.services.people, front.services.accounts
    desk = people.sign_in(
        "desk", front.add_user("desk", Role.OPERATOR, "riverside", "hilltop"), "x"
    )
    _, token = accounts.create_token(
        desk.session.caller, "bridge", frozenset({Scope.OPERATE}), frozenset({"riverside"}),
        timedelta(days=1),
    )  # fmt: skip
    assert people.find_token(token).may_operate
    async with front.signed_in("chief", "correct horse battery") as client:
        body = {"role": "viewer", "sites": ["hilltop"]}
        assert (await client.patch("/api/v1/users/desk", json=body)).status_code == 200
        assert people.find_session(desk.secret) is None
        assert people.find_token(token).role is Role.VIEWER
        assert people.find_token(token).sites == frozenset()
        await client.patch("/api/v1/users/desk", json={"disabled": True})
        assert people.find_token(token) is None


async def test_the_last_administrator_stays(front: Front):
    front.add_user("chief", Role.ADMIN)
    async with front.signed_in("chief", "correct horse battery") as client:
        for body in ({"disabled": True}, {"role": "viewer", "sites": []}):
            answer = await client.patch("/api/v1/users/chief", json=body)
            assert answer.status_code == 409
        assert (await client.get("/api/v1/users")).json()["users"][0]["role"] == "admin"


async def test_nobody_gives_more_than_they_have(front: Front):
    password = front.add_user("desk", Role.OPERATOR, "riverside")
    async with front.signed_in("desk", password) as client:
        for scopes, sites, status in (
            (["admin"], ["riverside"], 403),
            (["operate"], None, 403),
            (["read"], ["hilltop"], 403),
            (["read", "operate"], ["riverside"], 201),
        ):
            body = {"name": "bridge", "scopes": scopes, "sites": sites}
            assert (await client.post("/api/v1/tokens", json=body)).status_code == status
        assert (await client.get("/api/v1/users")).status_code == 403


async def test_a_token_makes_no_token_and_a_revoked_one_is_dead(front: Front):
    front.add_user("chief", Role.ADMIN)
    async with front.signed_in("chief", "correct horse battery") as client:
        body = {"name": "bridge", "scopes": ["admin"], "sites": None}
        made = (await client.post("/api/v1/tokens", json=body)).json()
        assert made["secret"].startswith("gh_")
        assert len(made["secret"]) >= 3 + 43
        bearer = {"Authorization": f"Bearer {made['secret']}"}
        async with front.client() as program:
            assert (await program.get("/api/v1/sites", headers=bearer)).status_code == 200
            more = await program.post("/api/v1/tokens", json=body, headers=bearer)
            assert more.status_code == 403
            await client.delete(f"/api/v1/tokens/{made['token']['id']}")
            assert (await program.get("/api/v1/sites", headers=bearer)).status_code == 401


def test_no_secret_stands_in_the_store_or_a_log(front: Front, caplog):
    caplog.set_level(logging.DEBUG)
    password = front.add_user("chief", Role.ADMIN)
    opened = front.services.people.sign_in("chief", password, "x")
    _, token = front.services.accounts.create_token(
        opened.session.caller, "bridge", frozenset({Scope.READ}), None, timedelta(days=1)
    )
    with front.database.snapshot() as tx:
        rows = [tx.execute(f"SELECT * FROM {t}") for t in ("person", "session", "token", "audit")]
    everything = repr(rows) + repr(opened) + caplog.text
    for secret in (password, opened.secret, token):
        assert secret not in everything


def test_guessing_is_slowed_down_but_nobody_else_is_locked_out(front: Front):
    password = front.add_user("chief", Role.ADMIN)

    def refusal(guess: str, address: str) -> str:
        with pytest.raises(ProblemError) as caught:
            front.services.people.sign_in("chief", guess, address)
        return caught.value.name

    for _ in range(5):
        assert refusal("guess", "10.0.0.66") == "wrong_credentials"
    assert refusal(password, "10.0.0.66") == "too_many_tries"
    assert front.services.people.sign_in("chief", password, "10.0.0.1")
    front.clock.move(11)
    assert front.services.people.sign_in("chief", password, "10.0.0.66")


async def test_the_audit_log_names_who_did_what_and_no_guessed_name(front: Front):
    front.add_user("chief", Role.ADMIN)
    async with front.client() as client:
        for name in ("chief", "my.secret.password"):
            await client.post(SESSION, json={"name": name, "password": "wrong"})
    async with front.signed_in("chief", "correct horse battery") as client:
        entries = (await client.get("/api/v1/audit?limit=3")).json()["entries"]
    acts = [(entry["actor"], entry["action"]) for entry in entries]
    assert acts == [
        ("chief", "session.open"), ("unknown", "session.refused"), ("chief", "session.refused"),
    ]  # fmt: skip


def test_a_name_can_be_given_once(front: Front):
    front.add_user("chief", Role.ADMIN)
    with pytest.raises(ProblemError) as caught:
        front.services.accounts.create_user(ROOT_CALLER, "chief", Role.VIEWER, frozenset())
    assert caught.value.name == "conflict"
