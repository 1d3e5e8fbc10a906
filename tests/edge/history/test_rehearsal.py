"""`rehearse` from the command line: what would have been raised under changed rules, against what was."""

import json

import msgspec
import yaml

from gatehouse_edge.cli import main
from gatehouse_edge.history.recorder import SignalRecorder
from gatehouse_edge.history.setup import by_sample, setup_of, write_setup
from gatehouse_edge.history.store import Bounds
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.build import build_rules
from gatehouse_testing.rule_site import rule_site, stories
from gatehouse_testing.watched import moment


def _kept(tmp_path):
    """A gateway's folder with the lane's story kept; the path of its file."""
    site = rule_site()
    rules = build_rules(site, "gw_1")
    setup = write_setup(setup_of(site, rules))
    path = tmp_path / "signals.db"
    recorder = SignalRecorder(path, Bounds(14, 2**30, 0), by_sample(site, rules), setup)
    _, story = stories()["lane_blocked"]
    state = rules.start()
    for at, observation in story:
        before = state
        state, judged = rules.step(before, observation, moment(at))
        recorder.heard(Heard(observation, moment(at), before, state, judged))
    recorder.close()
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(site)))
    file = {"gateway": "gw_1", "site_file": "site.yaml", "hub": {"url": "mqtt://127.0.0.1:1883"}}
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(file))
    return tmp_path / "gateway.yaml"


def _rehearse(config, *more):
    figures = config.parent / "figures.json"
    status = main(["rehearse", "--config", str(config), "--json", str(figures), *more])
    assert status == 0
    return {rule["rule"]: rule for rule in json.loads(figures.read_text())["rules"]}


def test_unchanged_rules_find_what_was_said(tmp_path):
    lane = _rehearse(_kept(tmp_path))["lane_free"]
    assert lane["said"] == len(lane["before"]) == len(lane["after"]) == 1
    assert not lane["gone"]


def test_a_rule_that_asks_for_more_loses_the_hazard_and_says_why(tmp_path, capsys):
    page = tmp_path / "page.html"
    words = ("--set", "lane_free.least_cover_ratio=0.95")
    lane = _rehearse(_kept(tmp_path), *words, "--html", str(page))["lane_free"]
    (gone,) = lane["gone"]
    assert gone["why"] == "its condition never held"
    assert "lane_free" in capsys.readouterr().out
    assert "<svg" in page.read_text()


def test_what_cannot_be_rehearsed_is_refused_with_what_can(tmp_path, capsys):
    config = str(_kept(tmp_path))
    assert main(["rehearse", "--config", config, "--set", "fence_walk.least_path_m=2"]) == 2
    assert "dwell_s" in capsys.readouterr().err
