"""Other systems' logs: read by a mapping, said once, scored against their truth."""

import json
from pathlib import Path

import pytest

from gatehouse_hub import cli
from gatehouse_hub.errors import MappingError
from gatehouse_hub.linking.mapped import parse_map, read_log, score_log
from gatehouse_hub.linking.released import released_weights
from gatehouse_hub.linking.repeats import distinct
from gatehouse_hub.linking.scoring import score_partition
from gatehouse_hub.linking.site_map import map_site
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

MAP = {"time": "when", "zone": "host", "kind": "rule", "noise": ["-"]}
HEAD = "when,host,rule,label"
LOG = [
    "2026-05-04T10:00:00Z,web,scan,attack_1",
    "2026-05-04T10:00:20Z,web,scan,attack_1",
    "2026-05-04T10:02:30Z,web,scan,attack_1",
    "2026-05-04T13:00:00Z,db,login,attack_2",
    "2026-05-04T18:00:00Z,mail,spam,-",
]


def test_partitions_are_scored_as_the_benchmark_does() -> None:
    truth = {"a": "1", "b": "1", "c": "2", "n": "-"}
    found = {"a": "x", "b": "x", "c": "x", "n": "x"}
    score = score_partition(found, truth, frozenset({"-"}))
    assert (score.b3_precision, score.b3_recall) == (pytest.approx(5 / 9), 1.0)
    assert (score.false_merge, score.split, score.noise_taken) == (1.0, 0.0, 1.0)
    alone = score_partition({}, truth, frozenset({"-"}))
    assert (alone.b3_precision, alone.b3_recall) == (1.0, pytest.approx(2 / 3))
    assert (alone.false_merge, alone.split, alone.noise_taken) == (0.0, 0.5, 0.0)


def test_what_is_said_again_within_a_minute_is_one_row() -> None:
    site = map_site(row_of_zones(["lane"]))
    rows = [alarm(site, "lane_blocked", "z0", at) for at in (0, 50, 100, 200, 205, 210, 215)]
    once = distinct(reversed(rows))
    assert once.rows == (rows[0], rows[3])
    assert once.said_by[rows[2].id] == rows[0].id
    assert once.chatter == {(rows[0].device, "lane_blocked", "z0"): 4}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_log_is_scored_from_the_command_line(
    tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log, mapping = tmp_path / f"log.{ending}", tmp_path / "map.yaml"
    mapping.write_text(json.dumps(MAP))
    if ending == "csv":
        log.write_text("\n".join([HEAD, *LOG]) + "\n")
    else:
        names = HEAD.split(",")
        log.write_text(
            "".join(
                json.dumps(dict(zip(names, line.split(","), strict=True))) + "\n" for line in LOG
            )
        )
    assert cli.main(["replay", str(log), "--map", str(mapping), "--truth", "label"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["true"], told["noise"]) == (5, 2, 1)
    assert told["b3_f1"] == 1.0
    assert told["noise_taken"] == 0.0


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        pytest.param({"time": "when", "zone": "host"}, "kind", id="a column missing"),
        pytest.param({**MAP, "colour": "x"}, "colour", id="a key nobody knows"),
        pytest.param({**MAP, "adjoining": "some"}, "adjoining", id="adjoining what"),
        pytest.param({**MAP, "kinds": {"scan": "scanning"}}, "scanning", id="not our kind"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused(tree: dict[str, object], said: str) -> None:
    with pytest.raises(MappingError, match=said):
        parse_map(tree)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        pytest.param(
            {"when": "noon", "host": "a", "rule": "b", "label": "c"}, "noon", id="no time"
        ),
        pytest.param({"when": "2026-05-04", "host": "a", "rule": "b"}, "label", id="no truth"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(record: dict[str, str], said: str) -> None:
    with pytest.raises(MappingError, match=f"record 1: .*{said}"):
        read_log([record], parse_map(MAP), "label")


def test_what_the_mapping_knows_of_kinds_and_places_counts() -> None:
    records = [
        {"when": "1000", "host": "a", "rule": "heat", "label": "1"},
        {"when": "1240", "host": "b", "rule": "flames", "label": "1"},
    ]
    tree = {**MAP, "time_unit": "s"}
    named = {
        **tree,
        "adjoining": [["a", "b"]],
        "kinds": {"heat": "thermal_hotspot", "flames": "fire_flame"},
    }
    weights = released_weights()
    assert score_log(read_log(records, parse_map(named), "label"), weights).incidents == 1
    assert score_log(read_log(records, parse_map(tree), "label"), weights).incidents == 2
