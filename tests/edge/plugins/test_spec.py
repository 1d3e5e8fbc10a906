"""The `plugins` key: what it may say, and that the file is the one that was agreed to."""

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
import yaml

from gatehouse_edge.cli import main
from gatehouse_edge.config import load_config
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.plugins.api import ALLOWED_MODULES, Condition
from gatehouse_edge.plugins.messages import CODE_MAX_BYTES, Line
from gatehouse_edge.plugins.spec import RulePlugin, SourcePlugin, parse_line, read_code
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.plugged import rule_code

EXAMPLES = ROOT / "edge/docs/examples"
SITE = {
    "site": "riverside",
    "name": {"en": "Riverside"},
    "time_zone": "Asia/Shanghai",
    "zones": [
        {
            "id": "hall",
            "name": {"en": "Hall"},
            "kind": "queue",
            "serves": "public",
            "polygon": [[0, 0], [10, 0], [10, 5], [0, 5]],
            "closed_hours": ["23:00-05:00"],
        }
    ],
    "views": [{"device": "cam_1", "zone": "hall", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
    "rules": [
        {
            "id": "queue",
            "kind": "crowd_density",
            "zone": "hall",
            "device": "cam_1",
            "params": {"long_count": 12, "dwell_s": 5},
        },
        {"id": "still", "kind": "dwell", "zone": "hall", "device": "cam_1"},
        {"id": "gas", "kind": "reading_out_of_range", "zone": "hall", "device": "gas_1"},
        {"id": "other", "kind": "fire_smoke", "zone": "hall", "device": "cam_2"},
    ],
    "devices": [
        {"id": "cam_1", "kind": "camera", "zone": "hall", "at": [3, 1], "gateway": "gw_1"},
        {"id": "cam_2", "kind": "camera", "zone": "hall", "at": [3, 1], "gateway": "gw_2"},
        {"id": "gas_1", "kind": "gas", "zone": "hall", "at": [2, 1], "gateway": "gw_1"},
        {"id": "water_1", "kind": "water", "zone": "hall", "at": [2, 1], "gateway": "gw_1"},
    ],
}
LEVEL = {"quantity": {"field": "level", "quantity": "water_level"}}


def written(
    folder: Path, rules: Iterable[object] = (), sources: Iterable[object] = (), **more: object
) -> Path:
    (folder / "site.yaml").write_text(yaml.safe_dump(SITE))
    (folder / "plain.py").write_bytes(rule_code("return None").data)
    file = {
        "gateway": "gw_1",
        "site_file": "site.yaml",
        "hub": {"url": "mqtt://127.0.0.1:1883"},
        "plugins": {"rules": list(rules), "sources": list(sources)},
        **more,
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(file))
    return path


def rule(**more: object) -> dict[str, object]:
    sha256 = hashlib.sha256(rule_code("return None").data).hexdigest()
    return {"name": "plain", "file": "plain.py", "sha256": sha256, "rules": ["queue"], **more}


def without(given: dict[str, object], *keys: str) -> dict[str, object]:
    return {k: v for k, v in given.items() if k not in keys}


WRONG_RULES = {
    "no such rule": (rule(rules=["gone"]), "the site has no rule 'gone'"),
    "of another gateway": (rule(rules=["other"]), "is of another gateway"),
    "about people": (rule(rules=["still"]), "which no plug-in may raise"),
    "of a sensor": (rule(rules=["gas"]), "does not give signals"),
    "no hash": (without(rule(), "sha256"), "missing required field `sha256`"),
    "half a hash": (rule(sha256="ab"), "sha256"),
    "no rules": (rule(rules=[]), "rules"),
    "too often": (rule(every_s=0.1), "every_s"),
    "too little memory": (rule(memory_mib=8), "memory_mib"),
    "frames": (rule(frames=True), "unknown field `frames`"),
    "twice": (rule(rules=["queue", "queue"]), "the rule queue stands there twice"),
}


@pytest.mark.parametrize(("given", "words"), WRONG_RULES.values(), ids=WRONG_RULES)
def test_what_a_rule_plug_in_may_not_be_is_said(given: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, [given]))
    assert words in str(caught.value)
    assert "plugins" in caught.value.place


def a_source(**more: object) -> dict[str, object]:
    plain = without(rule(), "rules")
    return {**plain, "connection": "tcp://10.0.0.7:502", "devices": {"water_1": LEVEL}, **more}


WRONG_SOURCES = {
    "no device": (a_source(devices={}), "devices"),
    "a camera": (a_source(devices={"cam_1": LEVEL}), "no sensor 'cam_1'"),
    "nobody's": (a_source(devices={"water_9": LEVEL}), "no sensor 'water_9'"),
    "no mapping": (a_source(devices={"water_1": {}}), "0 mappings"),
    "a file": (a_source(connection="file:///etc/passwd"), "is no connection"),
    "no port": (a_source(connection="tcp://10.0.0.7"), "is no connection"),
    "a disk": (a_source(connection="serial:/dev/../etc/passwd"), "is no connection"),
    "strings": (a_source(params={"host": "a"}), "params"),
}


@pytest.mark.parametrize(("given", "words"), WRONG_SOURCES.values(), ids=WRONG_SOURCES)
def test_what_a_source_plug_in_may_not_be_is_said(
    given: object, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, sources=[given]))
    assert words in str(caught.value)


def test_a_device_has_one_reader(tmp_path: Path) -> None:
    sensors = {"devices": {"water_1": {"topic": "w", **LEVEL}}}
    with pytest.raises(ConfigError, match="the device water_1 stands there twice"):
        load_config(written(tmp_path, sources=[a_source()], sensors=sensors))


def test_a_name_stands_for_one_plug_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the name plain stands there twice"):
        load_config(written(tmp_path, [rule()], [a_source()]))


def test_a_connection_is_tcp_udp_or_serial() -> None:
    assert parse_line("tcp://host:1", "") == Line("tcp", "host", 1)
    assert parse_line("udp://[::1]:9", "") == Line("udp", "::1", 9)
    assert parse_line("serial:/dev/ttyS0", "") == Line("serial", "/dev/ttyS0", 0, 9600)


def test_a_file_that_was_changed_is_refused_with_the_way_to_agree(tmp_path: Path) -> None:
    path = tmp_path / "plain.py"
    path.write_text("a = 1")
    agreed = hashlib.sha256(b"a = 1").hexdigest()
    assert read_code("plain", path, agreed=agreed).data == b"a = 1"
    path.write_text("a = 2")
    with pytest.raises(ConfigError, match="is not the file that was agreed to") as caught:
        read_code("plain", path, agreed=agreed)
    assert "gatehouse-edge plugin hash" in caught.value.remedy
    path.write_bytes(b"#" * (CODE_MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than 128 KiB"):
        read_code("plain", path)
    with pytest.raises(ConfigError, match="No such file"):
        read_code("plain", tmp_path / "gone.py")


def test_hash_list_and_check_say_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, [rule()])
    file = str(tmp_path / "plain.py")
    assert main(["plugin", "hash", file]) == 0
    assert capsys.readouterr().out == f"sha256: {rule()['sha256']}\n"
    assert main(["plugin", "list", "--config", str(config)]) == 0
    assert "ok    plain" in capsys.readouterr().out
    assert main(["plugin", "check", file]) == 0
    assert "runs in its cage as a rule" in capsys.readouterr().out
    Path(file).write_bytes(rule_code("import os").data)
    assert main(["plugin", "list", "--config", str(config)]) == 1
    assert "is not the file that was agreed to" in capsys.readouterr().out
    assert main(["plugin", "check", file]) == 1
    assert "WRONG refused: import os" in capsys.readouterr().out
    assert main(["check", "--config", str(config), "--no-probe"]) == 1
    assert "WRONG plug-in plain" in capsys.readouterr().out


def test_the_docs_name_every_key_every_module_and_every_answer() -> None:
    text = (ROOT / "edge/docs/plugins.md").read_text(encoding="utf-8")
    names = {f.encode_name for s in (RulePlugin, SourcePlugin) for f in msgspec.structs.fields(s)}
    names |= {f.name for f in dataclasses.fields(Condition)} - {"kind"}
    names |= ALLOWED_MODULES - {"__future__", "collections.abc"}
    assert {n for n in names if f"`{n}`" not in text} == set()


def test_the_doctor_says_whether_plug_ins_can_run_here(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    assert "ok    plug-ins: their cage closes here" in capsys.readouterr().out


@pytest.mark.parametrize("example", ["queue_long", "modbus_level"])
def test_the_examples_of_the_docs_pass_their_check(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugin", "check", str(EXAMPLES / f"{example}.py")]) == 0
    assert "WRONG" not in capsys.readouterr().out
