"""Why an event came, and why none did, in the recording's own time."""

import json

from gatehouse_edge.history.explaining import Explainer, params_of
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.values import Track
from gatehouse_testing.rule_site import beats, film, rule_site, stories
from gatehouse_testing.watched import moment, thing


def _explained(story, *, as_json=False):
    site = rule_site()
    rules = build_rules(site, "gw_1")
    lines: list[str] = []
    explainer = Explainer(rules, params_of(site, rules), lines.append, as_json=as_json)
    state = rules.start()
    for at, observation in story:
        before = state
        state, judged = rules.step(before, observation, moment(at))
        explainer.heard(Heard(observation, moment(at), before, state, judged))
    return lines


def _parked(at: float) -> tuple[Track, ...]:
    return (thing(1, (0.2, 0.5, 0.7, 0.9)),) if at < 42 else ()


def test_a_car_that_leaves_in_time_is_explained_as_lapsed():
    lines = _explained(film("cam_lane", 0, 80, _parked))
    (line,) = [line for line in lines if "lapsed lane_free" in line]
    assert "s of 60 s" in line
    assert "car covers" in line
    assert not [line for line in lines if "raised lane_free" in line]


def test_a_raise_names_what_made_it_true_and_the_parameters():
    _, story = stories()["lane_blocked"]
    lines = _explained(story)
    first = next(line for line in lines if "raised lane_free" in line)
    assert "grade 2" in first
    assert "held 60.0 s of 60 s" in first
    assert "warn_s 60" in first


def test_lines_are_the_same_every_time_and_json_when_asked():
    _, story = stories()["door_held"]
    assert _explained(story) == _explained(story)
    rows = [json.loads(line) for line in _explained(story, as_json=True)]
    assert {"raised", "cleared"} <= {row["said"] for row in rows}
    assert rows[0]["params"]


def test_silence_of_a_rule_is_no_line():
    assert not [line for line in _explained(beats(0, 5)) if "lane_free" in line]
