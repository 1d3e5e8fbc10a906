"""Sites that could be, and the rows that come from them."""

import itertools
from datetime import UTC, datetime
from random import Random

import pytest

from gatehouse_hub.simulate.life import OPEN_MAX, Life
from gatehouse_hub.simulate.places import GATEWAYS_MAX, plots, site_id, site_tree
from gatehouse_shared.classes import check_event
from gatehouse_shared.events import ClockState, Data
from gatehouse_shared.names import Lane, Phase
from gatehouse_shared.site import decode_site
from gatehouse_shared.wire import build_event, encode_rows, read_rows

NOW = datetime(2026, 5, 4, 16, 0, tzinfo=UTC)


def test_the_largest_site_there_may_be_is_a_site() -> None:
    own = list(plots(1, GATEWAYS_MAX))
    site = decode_site(site_tree(0, own))
    assert list(site.gateways()) == [plot.gateway for plot in own]


def test_gateways_are_dealt_out_and_never_given_twice() -> None:
    dealt = list(plots(300, 12_345))
    assert len({plot.gateway for plot in dealt}) == 12_345
    assert len({(plot.site, plot.place) for plot in dealt}) == 12_345
    assert {plot.site for plot in dealt} == {site_id(n) for n in range(300)}


@pytest.mark.parametrize(("sites", "gateways"), [(0, 1), (2, 1), (1, GATEWAYS_MAX + 1)])
def test_what_no_fleet_can_be_is_refused(sites: int, gateways: int) -> None:
    with pytest.raises(ValueError, match="sites"):
        next(plots(sites, gateways))


@pytest.mark.parametrize("lane", Lane)
def test_every_row_of_a_life_may_pass(lane: Lane) -> None:
    own = list(plots(1, 3))
    site, plot = decode_site(site_tree(0, own)), own[2]
    life = Life(plot, Random(5))
    for seq in range(1, 2_000):
        data: Data = life.next_bulk() if lane is Lane.BULK else life.next_alarm(seq)
        event = build_event(
            site=plot.site,
            gateway=plot.gateway,
            epoch="0" * 16,
            lane=lane,
            seq=seq,
            time=NOW,
            clock=ClockState.SYNCED,
            data=data,
        )
        check_event(event, site)
        assert read_rows(encode_rows([event]))[0].key.seq == seq


def test_the_same_seed_lives_the_same_life() -> None:
    plot = next(plots(1, 1))
    one, other = (Life(plot, Random(3)) for _ in range(2))
    for seq in range(1, 200):
        assert one.next_alarm(seq) == other.next_alarm(seq)
        assert one.next_bulk() == other.next_bulk()


def test_hazards_end_and_few_are_open_at_once() -> None:
    life = Life(next(plots(1, 1)), Random(4))
    rows = [life.next_alarm(seq) for seq in itertools.islice(itertools.count(1), 500)]
    cleared = {row.hazard for row in rows if row.phase is Phase.CLEARED}
    raised = {row.hazard for row in rows if row.phase is Phase.RAISED}
    assert cleared <= raised
    assert len(raised - cleared) <= OPEN_MAX
