"""The real server: binding, pages, headers, bounds and the live stream over a socket."""

import json
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gatehouse_hub.api.callers import Via
from gatehouse_hub.api.guards import BODY_MAX_BYTES
from gatehouse_hub.api.routes.live import RECHECK_S
from gatehouse_hub.api.server import Binding, HttpServer, check_binding
from gatehouse_hub.api.services import ApiSettings
from gatehouse_hub.errors import ConfigError
from gatehouse_hub.live.broadcast import Change, ChangeKind
from gatehouse_hub.ports import Changed, Database
from gatehouse_hub.store.users import Role
from gatehouse_shared.names import HazardClass
from gatehouse_testing.desk import START, Front, open_front
from gatehouse_testing.waiting import wait_until

LIVE = "/api/v1/live?site=riverside"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Console</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-3f2a.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def served(database: Database, static: Path) -> Iterator[tuple[Front, str]]:
    front = open_front(database, ApiSettings(static=static, open_metrics=True))
    server = HttpServer(front.app, Binding(port=0))
    server.start()
    yield front, server.url
    front.services.broadcast.close()
    server.stop()


@contextmanager
def signed_in(front: Front, url: str, role: Role, *sites: str) -> Generator[httpx.Client]:
    password = front.add_user("somebody", role, *sites)
    with httpx.Client(base_url=url, timeout=20) as client:
        body = {"name": "somebody", "password": password}
        answer = client.post("/api/v1/session", json=body)
        assert answer.status_code == 200
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


class Events:
    """Reads server-sent events one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> tuple[str, dict[str, object]]:
        name, data = "", ""
        for line in self._lines:
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            elif line.startswith("data:"):
                data = line.removeprefix("data:").strip()
            elif not line and name:
                return name, json.loads(data)
        raise AssertionError("the stream ended")


def test_a_change_reaches_the_browser(served):
    front, url = served
    front.add_site("riverside")
    with (
        signed_in(front, url, Role.OPERATOR, "riverside") as client,
        client.stream("GET", LIVE) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        events = Events(response)
        assert events.next()[0] == "hello"
        front.services.broadcast.tell("riverside", Changed.OCCUPANCY)
        name, data = events.next()
        assert (name, data["site"], data["id"]) == ("occupancy", "riverside", None)
        incident = front.hot_shed("riverside")
        path = f"/api/v1/incidents/{incident}/acknowledge"
        headers = dict(
            client.headers, Cookie=f"gatehouse_session={client.cookies['gatehouse_session']}"
        )
        assert httpx.post(url + path, json={}, headers=headers).status_code == 200
        name, data = events.next()
        assert (name, data["id"], data["state"]) == ("incident", incident, "acknowledged")
    wait_until(lambda: len(front.services.broadcast) == 0)


def test_a_viewer_hears_nothing_of_presence(served):
    front, url = served
    front.add_site("riverside")
    with (
        signed_in(front, url, Role.VIEWER, "riverside") as client,
        client.stream("GET", LIVE) as response,
    ):
        events = Events(response)
        assert events.next()[0] == "hello"
        for id_, hazard_class in (("p", HazardClass.PRESENCE), ("t", HazardClass.THING)):
            front.services.broadcast.publish(
                Change(
                    kind=ChangeKind.HAZARD,
                    site="riverside",
                    at=START,
                    id=id_,
                    hazard_class=hazard_class,
                )
            )
        assert events.next()[1]["id"] == "t"


def test_a_stream_ends_within_a_minute_of_signing_out(served):
    assert RECHECK_S <= 60
    front, url = served
    front.add_site("riverside")
    with (
        signed_in(front, url, Role.OPERATOR, "riverside") as client,
        client.stream("GET", LIVE) as response,
    ):
        events = Events(response)
        assert events.next()[0] == "hello"
        session = front.services.people.find_session(client.cookies["gatehouse_session"])
        assert session is not None
        assert session.caller.via is Via.SESSION
        front.services.people.sign_out(session)
        front.clock.move(RECHECK_S)
        front.services.broadcast.tell("riverside", Changed.HAZARDS)
        assert events.next() == ("bye", {"reason": "signed_out"})


def test_a_stream_says_goodbye_when_the_hub_stops(served):
    front, url = served
    front.add_site("riverside")
    with (
        signed_in(front, url, Role.OPERATOR, "riverside") as client,
        client.stream("GET", LIVE) as response,
    ):
        events = Events(response)
        assert events.next()[0] == "hello"
        front.services.broadcast.close()
        assert events.next() == ("bye", {"reason": "shutting_down"})


def test_the_console_is_served_with_a_policy_that_keeps_others_out(served):
    _, url = served
    page = httpx.get(url)
    deep = httpx.get(f"{url}/incidents/0123")
    script = httpx.get(f"{url}/assets/index-3f2a.js")
    icon = httpx.get(f"{url}/icon.svg")
    assert page.text == deep.text == "<!doctype html><title>Console</title>"
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]
    assert icon.text == "<svg/>"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "server" not in page.headers


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt"]
)
def test_nothing_outside_the_console_is_served(served, path):
    _, url = served
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2].replace(b"secret.txt", b"")


def test_where_the_console_is_not_built_a_page_says_how(database, tmp_path):
    front = open_front(database, ApiSettings(static=tmp_path / "none"))
    server = HttpServer(front.app, Binding(port=0))
    server.start()
    try:
        answer = httpx.get(server.url)
        missing = httpx.get(f"{server.url}/api/v1/none")
    finally:
        server.stop()
    assert answer.status_code == 503
    assert "./dev console" in answer.text
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_beyond_its_bound_is_refused(served, chunked):
    _, url = served
    body = b'{"name": "a", "password": "' + b"x" * BODY_MAX_BYTES + b'"}'
    content = iter([body[:1000], body[1000:]]) if chunked else body
    answer = httpx.post(
        f"{url}/api/v1/session", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_metrics_are_for_this_machine_or_a_token(served):
    _, url = served
    assert httpx.get(f"{url}/metrics").text == "gatehouse_up 1\n"
    passed_on = httpx.get(f"{url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert passed_on.status_code == 401


def test_health_says_when_the_store_is_gone(served):
    front, url = served
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    front.database.close()
    assert httpx.get(f"{url}/healthz").status_code == 503


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "hub.example"])
def test_passwords_never_cross_the_network_in_clear(host):
    with pytest.raises(ConfigError, match="tls_cert"):
        check_binding(Binding(host=host))
    check_binding(Binding(host=host, behind_proxy=True))


def test_half_of_a_pair_and_files_that_are_not_there_are_named(tmp_path):
    cert = tmp_path / "cert.pem"
    with pytest.raises(ConfigError, match="there is no file"):
        check_binding(Binding(tls_cert=cert))
    cert.write_text("x")
    with pytest.raises(ConfigError, match="certificate and its key"):
        check_binding(Binding(tls_cert=cert))


def test_a_taken_port_is_named(served):
    front, url = served
    server = HttpServer(front.app, Binding(port=int(url.rpartition(":")[2])))
    with pytest.raises(ConfigError, match="cannot listen"):
        server.start()
