"""The configuration says what is wrong, where, and what to do."""

import base64
from pathlib import Path

import pytest

from gatehouse_hub.config import load_config, load_site
from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.errors import ConfigError
from gatehouse_shared.names import HazardClass
from gatehouse_testing.dev.paths import ROOT


def written(folder: Path, text: str) -> Path:
    path = folder / "hub.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_a_hub_on_this_machine(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, ""))
    assert config.database == f"sqlite:{tmp_path / 'data/hub.db'}"
    assert (config.broker.host, config.broker.port, config.broker.tls) == ("127.0.0.1", 1883, False)
    assert (config.binding.host, config.binding.port) == ("127.0.0.1", 8080)


def test_paths_are_relative_to_the_file_and_secrets_have_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n", encoding="utf-8")
    config = load_config(
        written(
            tmp_path,
            "mqtt: {url: 'mqtts://broker.example', username: hub, password_file: secret}\n"
            "database: postgresql://hub@db.example/gatehouse\nsites: [a.yaml]\n",
        )
    )
    assert (config.broker.port, config.broker.tls) == (8883, True)
    assert config.broker.password == "open sesame"
    assert config.sites == (tmp_path / "a.yaml",)
    assert config.database == "postgresql://hub@db.example/gatehouse"


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("databse: x", "hub.yaml", "Correct or remove"),
        ("http: {port: 99999}", "http.port", "Correct or remove"),
        ("http: {host: 0.0.0.0}", "http.host", "127.0.0.1"),
        ("mqtt: {url: 'http://x'}", "mqtt.url", "mqtt://HOST"),
        ("mqtt: {url: 'mqtt://broker.example'}", "mqtt.url", "mqtts://"),
        ("mqtt: {url: 'mqtt://me:pw@127.0.0.1'}", "mqtt.url", "password_file"),
        ("mqtt: {password_file: gone}", "mqtt.password_file", "path"),
        ("a: [1", "hub.yaml", "YAML"),
    ],
)
def test_a_fault_names_the_place_and_the_remedy(
    tmp_path: Path, text: str, place: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as fault:
        load_config(written(tmp_path, text))
    assert place in fault.value.place
    assert remedy in fault.value.remedy


HOOK = "notify: {webhooks: [{id: desk, url: 'https://desk.example/in?x=1', secret_file: secret%s}]}"


ONE = "{id: desk, url: 'https://desk.example/', secret_file: secret}"
TWICE = f"notify: {{webhooks: [{ONE}, {ONE}]}}"


def test_a_web_hook_hears_of_things_and_crowds_unless_more_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret of more than 24 bytes\n", encoding="utf-8")
    (hook,) = load_config(written(tmp_path, HOOK % "")).hooks
    assert hook.consumer == Consumer(
        "desk", frozenset(), frozenset({HazardClass.THING, HazardClass.CROWD}), "P3"
    )
    assert (hook.address.host, hook.address.port, hook.address.tls) == ("desk.example", 443, True)
    assert (hook.address.target, hook.address.secret) == (
        "/in?x=1",
        b"a secret of more than 24 bytes",
    )
    assert "more than 24" not in repr(hook)
    (named,) = load_config(written(tmp_path, HOOK % ", classes: [p, h], sites: [court]")).hooks
    assert named.consumer.classes == {HazardClass.PRESENCE, HazardClass.HELP}


def test_a_secret_may_be_written_as_the_libraries_of_receivers_do(tmp_path: Path) -> None:
    secret = bytes(range(32))
    (tmp_path / "secret").write_text("whsec_" + base64.b64encode(secret).decode(), encoding="utf-8")
    (hook,) = load_config(written(tmp_path, HOOK % "")).hooks
    assert hook.address.secret == secret


@pytest.mark.parametrize(
    ("text", "secret", "place", "remedy"),
    [
        (HOOK % "", "short", "desk.secret_file", "openssl rand"),
        (HOOK % "", "whsec_$$$", "desk.secret_file", "Copy"),
        (HOOK % ", classes: [p]", "x" * 24, "desk.sites", "that one site"),
        (HOOK % ", classes: [p], sites: [a, b]", "x" * 24, "desk.sites", "that one site"),
        (HOOK % ", classes: [q]", "x" * 24, "notify.webhooks[0].classes", "Correct"),
        ((HOOK % "").replace("https", "http"), "x" * 24, "desk.url", "https://"),
        ((HOOK % "").replace("https", "ftp"), "x" * 24, "desk.url", "https://HOST"),
        ((HOOK % "").replace("desk.example", "me:pw@desk.example"), "x" * 24, "desk.url", "signature"),
        ((HOOK % "").replace("desk.example", "desk.example:99999"), "x" * 24, "desk.url", "Correct"),
        ((HOOK % "").replace("/in", "/in now"), "x" * 24, "desk.url", "percent"),
        (TWICE, "x" * 24, "notify.webhooks", "id of its own"),
    ],
)  # fmt: skip
def test_a_fault_in_a_web_hook_names_it(
    tmp_path: Path, text: str, secret: str, place: str, remedy: str
) -> None:
    (tmp_path / "secret").write_text(secret, encoding="utf-8")
    with pytest.raises(ConfigError) as fault:
        load_config(written(tmp_path, text))
    assert place in fault.value.place
    assert remedy in fault.value.remedy


def test_a_web_hook_may_be_plain_on_this_machine_and_where_somebody_says_so(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 24, encoding="utf-8")
    for text in (
        (HOOK % "").replace("https://desk.example", "http://127.0.0.1:9"),
        (HOOK % ", allow_plaintext: true").replace("https", "http"),
    ):
        (hook,) = load_config(written(tmp_path, text)).hooks
        assert not hook.address.tls


def test_a_broker_on_a_closed_network_may_be_plain_when_somebody_says_so(tmp_path: Path) -> None:
    text = "mqtt: {url: 'mqtt://broker.example', allow_plaintext: true}"
    assert not load_config(written(tmp_path, text)).broker.tls


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_a_fault_in_a_site_file_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "place.yaml"
    path.write_text("site: place\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"place\.yaml"):
        load_site(path)


def test_the_demo_community_can_be_read() -> None:
    assert load_site(ROOT / "seeds" / "sites" / "demo" / "site.yaml").site == "riverside"
