"""Rows become incidents: by time, place and cause, the same whatever order they came in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_hub.linking.linker import LinkedIncident, LinkReason, link_rows
from gatehouse_hub.linking.priority import PriorityReason, judge
from gatehouse_hub.linking.released import released_weights
from gatehouse_hub.linking.rows import AlarmRow
from gatehouse_hub.linking.score import Term, TermKind
from gatehouse_hub.linking.site_map import map_site
from gatehouse_hub.linking.weights import CLIP, EXPERT, Weights
from gatehouse_hub.linking.words import LANGUAGES, describe_link, describe_near_miss
from gatehouse_shared.names import HazardKind
from gatehouse_testing.alarms import alarm
from gatehouse_testing.sites import row_of_zones

SITE = map_site(
    row_of_zones(
        ["shed", "lane", "moving", "moving", "perimeter", "perimeter", "perimeter", "perimeter"]
    )
)


def kinds(incidents: tuple[LinkedIncident, ...]) -> list[list[str]]:
    return [[str(row.kind) for row in incident.rows] for incident in incidents]


def test_hot_spot_smoke_and_blocked_lane_are_one_incident_and_a_button_far_off_another() -> None:
    rows = [
        alarm(SITE, "thermal_hotspot", "z0", 1000),
        alarm(SITE, "fire_smoke", "z0", 1040, device="smoke_0"),
        alarm(SITE, "lane_blocked", "z1", 1070),
        alarm(SITE, "help_button", "z7", 1080),
    ]
    found = link_rows(rows, SITE)
    assert kinds(found) == [["thermal_hotspot", "fire_smoke", "lane_blocked"], ["help_button"]]
    assert judge(found[0].rows).priority == "P1"
    assert PriorityReason.LANE_BLOCKED_DURING_FIRE in judge(found[0].rows).reasons


@pytest.mark.parametrize(
    ("first", "second", "zones", "gap_s", "joined"),
    [
        pytest.param(
            "thermal_hotspot", "fire_smoke", ("z0", "z0"), 40, True, id="cause, same zone"
        ),
        pytest.param(
            "fire_smoke", "thermal_hotspot", ("z0", "z0"), 40, True, id="cause, wrong order"
        ),
        pytest.param(
            "thermal_hotspot",
            "fire_smoke",
            ("z0", "z0"),
            1900,
            False,
            id="cause, beyond the window",
        ),
        pytest.param("thermal_hotspot", "fire_smoke", ("z0", "z7"), 40, False, id="cause, far off"),
        pytest.param("lane_blocked", "lane_blocked", ("z1", "z1"), 200, True, id="same again"),
        pytest.param(
            "lane_blocked", "lane_blocked", ("z1", "z1"), 1900, False, id="same, beyond the window"
        ),
        pytest.param(
            "parking_full", "help_button", ("z1", "z2"), 60, False, id="nothing in common"
        ),
    ],
)
def test_two_rows_join_for_time_place_and_cause(
    first: str, second: str, zones: tuple[str, str], gap_s: int, joined: bool
) -> None:
    rows = [
        alarm(SITE, first, zones[0], 1000),
        alarm(SITE, second, zones[1], 1000 + gap_s, device="other"),
    ]
    assert len(link_rows(rows, SITE)) == (1 if joined else 2)


def test_a_drill_and_the_real_thing_never_mix() -> None:
    rows = [
        alarm(SITE, "thermal_hotspot", "z0", 1000),
        alarm(SITE, "fire_smoke", "z0", 1010, drill=True),
    ]
    assert len(link_rows(rows, SITE)) == 2


def test_an_incident_that_was_resolved_takes_no_later_row() -> None:
    first, second = alarm(SITE, "lane_blocked", "z1", 1000), alarm(SITE, "lane_blocked", "z1", 1100)
    assert len(link_rows([first, second], SITE)) == 1
    assert len(link_rows([first, second], SITE, closed_ms={first.id: 1_050_000})) == 2
    assert len(link_rows([first, second], SITE, closed_ms={first.id: 1_100_000})) == 1


def test_a_near_miss_is_kept_with_what_spoke_against_it() -> None:
    rows = [alarm(SITE, "thermal_hotspot", "z0", 1000), alarm(SITE, "help_button", "z2", 1200)]
    found = link_rows(rows, SITE)
    assert len(found) == 2
    (miss,) = found[1].near_misses
    assert miss.reason is LinkReason.OPENED_MAYBE
    assert miss.incident == found[0].id
    assert 0 <= miss.score < 1


def test_every_link_says_why_in_both_languages() -> None:
    rows = [
        alarm(SITE, "thermal_hotspot", "z0", 1000),
        alarm(SITE, "fire_smoke", "z0", 1040, device="smoke_0"),
    ]
    link = link_rows(rows, SITE)[0].links[1]
    assert {term.kind for term in link.terms} == {
        TermKind.CAUSE, TermKind.TIME, TermKind.DISTANCE, TermKind.HOPS, TermKind.COMPANY, TermKind.AGE, TermKind.BUSY
    }  # fmt: skip
    english, chinese = (describe_link(link, language) for language in LANGUAGES)
    assert (
        english == "Smoke 40 s after a hot spot, in the same zone; the one often follows the other"
    )
    assert chinese == "高温点后 40 秒出现烟雾，同一区域；两者常相继发生"


_KINDS = st.sampled_from(sorted(HazardKind))
_ROWS = st.lists(
    st.builds(
        lambda kind, zone, at, device: alarm(SITE, kind, f"z{zone}", at, device=device),
        _KINDS, st.integers(0, 7), st.integers(0, 7200), st.sampled_from(["a", "b", "c"]),
    ),
    max_size=40,
    unique_by=lambda row: row.id,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(_ROWS, st.randoms(use_true_random=False))
def test_any_order_and_any_duplication_gives_the_same_incidents(
    rows: list[AlarmRow], random: object
) -> None:
    import random as stdlib

    assert isinstance(random, stdlib.Random)
    shuffled = rows + [row for row in rows if random.random() < 0.3]
    random.shuffle(shuffled)
    assert link_rows(shuffled, SITE) == link_rows(rows, SITE)


@settings(max_examples=100, deadline=None)
@given(_ROWS, st.integers(0, 7200), st.sampled_from([EXPERT, released_weights()]))
def test_linking_can_be_taken_up_at_any_moment_from_what_stood(
    rows: list[AlarmRow], at_s: int, weights: Weights
) -> None:
    whole = link_rows(rows, SITE, weights)
    stood = {row.id: i.id for i in whole for row in i.rows if row.time_ms < at_s * 1000}
    again = link_rows(rows, SITE, weights, from_ms=at_s * 1000, placed=stood)
    assert [[row.id for row in i.rows] for i in again] == [
        [row.id for row in i.rows] for i in whole
    ]
    anew = {link.row.id: link for i in again for link in i.links if link.row.id not in stood}
    assert anew == {
        link.row.id: link for i in whole for link in i.links if link.row.id not in stood
    }


@settings(max_examples=100, deadline=None)
@given(_ROWS, st.sampled_from([EXPERT, released_weights()]))
def test_the_terms_of_a_link_add_up_to_its_score(rows: list[AlarmRow], weights: Weights) -> None:
    for incident in link_rows(rows, SITE, weights):
        for link in (*incident.links, *incident.near_misses):
            assert sum(term.weight for term in link.terms) == pytest.approx(link.score, abs=1e-5)
            assert bounded(link.terms)


def bounded(terms: tuple[Term, ...]) -> bool:
    """No single entry of a table decides alone; what adds up over rows is not one entry."""
    added = {TermKind.BUSY, TermKind.COMPANY}
    return all(abs(term.weight) <= 2 * CLIP for term in terms if term.kind not in added)


@settings(max_examples=200, deadline=None)
@given(_ROWS)
def test_every_row_is_in_exactly_one_incident(rows: list[AlarmRow]) -> None:
    found = [row.id for incident in link_rows(rows, SITE) for row in incident.rows]
    assert sorted(found) == sorted(row.id for row in rows)


@settings(max_examples=200, deadline=None)
@given(_ROWS)
def test_presence_is_never_followed_beyond_two_adjoining_zones(rows: list[AlarmRow]) -> None:
    for incident in link_rows(rows, SITE):
        present = [row for row in incident.rows if row.hazard_class == "p"]
        zones = sorted({int(row.zone[1:]) for row in present})
        assert len(zones) <= 2
        assert len(zones) < 2 or zones[1] - zones[0] == 1
        times = [row.time_ms for row in present]
        assert not times or max(times) - min(times) <= 600_000


def test_a_fire_is_told_in_words_from_its_first_sign_to_the_blocked_lane() -> None:
    rows = [
        alarm(SITE, "thermal_hotspot", "z0", 1000),
        alarm(SITE, "fire_smoke", "z0", 1040, device="smoke_0"),
        alarm(SITE, "fire_smoke", "z0", 1100, device="smoke_0"),
        alarm(SITE, "lane_blocked", "z1", 1180),
        alarm(SITE, "help_button", "z0", 1240, device="button_0"),
    ]
    (incident,) = link_rows(rows, SITE, released_weights())
    assert [describe_link(link, "en") for link in incident.links] == [
        "Hot spot opened the incident",
        "Smoke 40 s after a hot spot, in the same zone; the one often follows the other",
        "Smoke 60 s after smoke, in the same zone; the same kind again",
        "Blocked lane 3 min after a hot spot, 20 m away in the adjoining zone; the one often follows the other",
        "Call for help 2 min after smoke, in the same zone; the one often follows the other",
    ]


def test_a_near_miss_says_what_spoke_loudest_against_it() -> None:
    rows = [alarm(SITE, "thermal_hotspot", "z0", 1000), alarm(SITE, "help_button", "z2", 1200)]
    (miss,) = link_rows(rows, SITE)[1].near_misses
    english, chinese = (describe_near_miss(miss, rows[1].kind, language) for language in LANGUAGES)
    assert english.startswith(
        "Maybe the same as a hot spot, 40 m away 2 zones away, but too little"
    )
    assert english.endswith(": in another zone")
    assert chinese.endswith("：不在同一区域")
