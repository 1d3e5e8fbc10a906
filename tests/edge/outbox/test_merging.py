"""Merged windows say what their parts said and no more; every number stays a row or in a gap; nothing stalls."""

import functools
import itertools
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.outbox import merger
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.merging import QUARTER_S, Part, merge, saves
from gatehouse_edge.outbox.published import PUBLISHED_AHEAD
from gatehouse_edge.outbox.store import MERGE_STEPS, Outbox
from gatehouse_edge.values import Draft
from gatehouse_shared.classes import check_event
from gatehouse_shared.counts import Count, round_count
from gatehouse_shared.events import ClockState, CountData, Event, GapData, GapReason
from gatehouse_shared.instants import parse_instant
from gatehouse_shared.names import LT10, SMALL_COUNT, Label, Lane
from gatehouse_shared.wire import Row, build_event, read_rows
from gatehouse_testing.counting import DAWN, ZONE, count_windows
from gatehouse_testing.gateway_parts import gas, open_in, small_site
from gatehouse_testing.kinds import those

SMALL = Limits(max_rows=1_000, max_mib=64, max_age_days=7)
QUARTER_AT = 1_800_000_000


def part(
    seq: int,
    minute: int,
    mean: Count,
    most: Count,
    *,
    window_s: int = 60,
    coverage: int = 20,
    quality: int = 20,
    label: Label = Label.PERSON,
) -> Part:
    data = CountData(
        zone=ZONE,
        device="gas_1",
        label=label,
        window_s=window_s,  # type: ignore[arg-type]
        mean=mean,
        max=most,
        coverage=coverage,
        quality=quality,
    )
    return Part(seq, QUARTER_AT + 60 * minute, data)


def joined(*parts: Part) -> CountData:
    found = merge(parts)
    assert found is not None
    return found.data


def test_a_mean_is_weighted_by_window_and_coverage_and_rounds_half_up() -> None:
    ten_s = part(1, 0, 40, 44, window_s=10)
    minute = part(2, 1, 20, 21, coverage=10)
    assert joined(ten_s, minute).mean == 25  # (40 x 10 x 20 + 20 x 60 x 10) / 800
    assert joined(part(1, 0, 20, 20), part(2, 1, 21, 21)).mean == 21


def test_the_largest_count_stays_and_coverage_is_a_share_of_the_quarter() -> None:
    data = joined(part(5, 0, 12, 31), part(9, 3, 14, 17, quality=10))
    assert (data.max, data.coverage, data.quality, data.window_s) == (31, 2, 15, 900)


def test_small_counts_stay_few_and_become_a_number_only_through_windows_of_ten_and_more() -> None:
    quiet = joined(part(1, 0, LT10, LT10), part(2, 1, LT10, LT10))
    assert (quiet.mean, quiet.max) == (LT10, LT10)
    peak = joined(*(part(n, n, LT10, LT10) for n in range(1, 14)), part(14, 14, 11, 12))
    assert (peak.mean, peak.max) == (LT10, 12)
    busy = joined(part(1, 0, LT10, 12), part(2, 1, 30, 33))
    assert (busy.mean, busy.max) == (18, 33)


def test_the_window_of_a_quiet_quarter_stands_and_its_minutes_go() -> None:
    minutes = [part(n, n, LT10, LT10) for n in range(15)]
    found = merge([*minutes, part(99, 0, 0, 0, window_s=900)])
    assert found is not None
    assert (found.seq, found.data.mean, found.gone) == (99, 0, tuple(range(15)))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([part(1, 0, 12, 14)], id="one alone"),
        pytest.param([part(1, 0, 12, 14), part(2, 0, 12, 14)], id="the same minute twice"),
        pytest.param(
            [part(1, 0, 12, 14), part(2, 0, 12, 14, window_s=10)], id="ten seconds of a minute"
        ),
        pytest.param(
            [part(1, 0, LT10, 25, window_s=900), part(2, 0, LT10, LT10)],
            id="late to a merged quarter",
        ),
        pytest.param([part(1, 0, 0, 0, window_s=900)] * 2, id="a quarter twice"),
    ],
)
def test_what_overlaps_is_left_as_it_is(parts: list[Part]) -> None:
    assert merge(parts) is None


def test_too_little_is_not_worth_a_write() -> None:
    assert saves(parts=15, windows=1, gaps=2)
    assert not saves(parts=15, windows=1, gaps=14)


few: st.SearchStrategy[Count] = st.sampled_from([LT10])
small = few | st.integers(SMALL_COUNT, 400).map(round_count)
exact: st.SearchStrategy[Count] = st.integers(0, 400).map(round_count)


def order(count: Count) -> int:
    return 5 if isinstance(count, str) else count


@st.composite
def quarters(draw: st.DrawFn) -> list[Part]:
    label = draw(st.sampled_from([Label.PERSON, Label.CAR]))
    counts: st.SearchStrategy[Count] = small if label is Label.PERSON else exact
    parts = []
    for minute in draw(st.sets(st.integers(0, 14), min_size=2)):
        two: list[Count] = sorted([draw(counts), draw(counts)], key=order)
        shares = st.integers(0, 20)
        parts.append(
            part(
                100 - minute,
                minute,
                *two,
                coverage=draw(shares),
                quality=draw(shares),
                label=label,
            )
        )
    return parts


@given(quarters())
def test_a_merged_window_is_within_its_parts_and_obeys_the_wire(parts: list[Part]) -> None:
    found = merge(parts)
    assert found is not None
    data = found.data
    lows = [0 if p.data.mean == LT10 else order(p.data.mean) for p in parts]
    highs = [9 if p.data.mean == LT10 else order(p.data.mean) for p in parts]
    if isinstance(data.mean, str):
        assert min(lows) < SMALL_COUNT
    else:
        assert round_count(min(lows)) <= data.mean <= round_count(max(highs))
    assert order(data.max) == max(order(p.data.max) for p in parts)
    known = sum(60 * p.data.coverage for p in parts)
    assert known - QUARTER_S < data.coverage * QUARTER_S <= known
    assert {found.seq, *found.gone} == {p.seq for p in parts}
    assert merge([Part(found.seq, QUARTER_AT, data)]) is None, "merged again it stays"
    # The wire's own rules, but for where vehicles may be counted.
    if data.label is Label.PERSON:
        check_event(count_event(found.seq, data), small_site())


def count_event(seq: int, data: CountData) -> Event:
    return build_event(
        site="riverside",
        gateway="gw_1",
        epoch="ab" * 8,
        lane=Lane.BULK,
        seq=seq,
        time=DAWN,
        clock=ClockState.SYNCED,
        data=data,
    )


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """Without bounds that matter."""
    one = open_in(tmp_path, itertools.count(1), None, DAWN)
    yield one
    one.close()


@contextmanager
def again(folder: Path, outbox: Outbox, limits: Limits = SMALL) -> Generator[Outbox]:
    """The same outbox after a restart, with bounds."""
    outbox.close()
    one = open_in(folder, itertools.count(99), limits, DAWN)
    try:
        yield one
    finally:
        one.close()


@functools.cache
def windows(seed: int, minutes: int) -> list[tuple[datetime, list[Draft]]]:
    return list(count_windows(seed, minutes))


def fill(outbox: Outbox, seed: int, minutes: int) -> None:
    """Windows of nine series, and a reading every minute."""
    for now, drafts in windows(seed, minutes):
        reading = [] if now.second else [gas(now.minute, now)]
        if drafts or reading:
            outbox.append([*drafts, *reading], {}, now, ClockState.SYNCED)


def stored(outbox: Outbox) -> list[Event]:
    kept = outbox.waiting(outbox.epoch, Lane.BULK, 0, 1_000_000, 10**9)
    rows = [read_rows(row.payload)[0] for row in kept]
    assert all(isinstance(row, Row) for row in rows)
    ends = [(row.seq, row.upto) for row in kept]
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(ends)), "no number without a home"
    assert ends[0][0] == 1
    return [row.event for row in rows if isinstance(row, Row)]


def gaps(events: list[Event]) -> list[GapData]:
    return those(GapData, (event.data for event in events))


def tidied(outbox: Outbox, minutes: int, times: int = 40) -> None:
    for _ in range(times):
        outbox.tidy(DAWN + timedelta(minutes=minutes))


def told(events: list[Event]) -> dict[tuple[str, Label, int], list[CountData]]:
    """Windows by series and quarter."""
    found: dict[tuple[str, Label, int], list[CountData]] = {}
    for event in events:
        if isinstance(event.data, CountData):
            start = int(parse_instant(event.time).timestamp())
            key = (event.data.device, event.data.label, start // QUARTER_S)
            found.setdefault(key, []).append(event.data)
    return found


def test_below_half_nothing_is_merged(tmp_path: Path, outbox: Outbox) -> None:
    fill(outbox, 1, 90)
    before = stored(outbox)
    with again(tmp_path, outbox, Limits(max_rows=2 * len(before))) as box:
        tidied(box, 100)
        assert stored(box) == before


@pytest.mark.parametrize("seed", range(3))
def test_above_half_quarters_become_one_window_and_every_number_is_a_row_or_in_a_gap(
    tmp_path: Path, outbox: Outbox, seed: int
) -> None:
    fill(outbox, seed, 90)
    before, last = stored(outbox), outbox.next_seq(Lane.BULK) - 1
    with again(tmp_path, outbox) as box:
        tidied(box, 100)
        after = stored(box)
    assert len(after) < 0.7 * len(before)
    assert {gap.reason for gap in gaps(after)} == {GapReason.MERGED}
    rows = [event for event in after if not isinstance(event.data, GapData)]
    assert len(rows) + sum(gap.count for gap in gaps(after)) == last
    kept = [e for e in after if not isinstance(e.data, GapData | CountData)]
    assert kept == [e for e in before if not isinstance(e.data, CountData)], "only counts change"
    parts, merged = told(before), told(after)
    assert parts.keys() == merged.keys()
    for key, found in merged.items():
        assert max(order(w.max) for w in found) == max(order(w.max) for w in parts[key])
        if len(found) == 1:
            assert found[0].window_s == QUARTER_S
    for event in after:
        check_event(event, small_site())


def test_merging_twice_is_merging_once_also_after_a_restart(tmp_path: Path, outbox: Outbox) -> None:
    fill(outbox, 1, 90)
    with again(tmp_path, outbox) as box:
        tidied(box, 100)
        once = stored(box)
        tidied(box, 100)
        assert stored(box) == once
        with again(tmp_path, box) as third:
            tidied(third, 100)
            assert stored(third) == once


def test_the_quarter_that_runs_and_the_one_in_which_rows_begin_are_left(
    tmp_path: Path, outbox: Outbox
) -> None:
    fill(outbox, 1, 90)
    with again(tmp_path, outbox) as box:
        tidied(box, 90)
        left = {key[2] for key, found in told(stored(box)).items() if len(found) > 1}
    first = int(DAWN.timestamp()) // QUARTER_S
    assert left == {first, first + 5}


def test_what_may_be_with_the_hub_is_not_written_anew_not_even_after_a_restart(
    tmp_path: Path, outbox: Outbox
) -> None:
    fill(outbox, 1, 90)
    before = stored(outbox)
    outbox.on_wire(outbox.epoch, Lane.BULK, 5, DAWN)
    reserved = 5 + PUBLISHED_AHEAD
    with again(tmp_path, outbox) as box:
        tidied(box, 100)
        after = stored(box)
    assert after[:reserved] == before[:reserved]
    assert gaps(after), "beyond it there was something to merge"


def test_counts_are_merged_before_bulk_is_dropped(tmp_path: Path) -> None:
    limits = Limits(max_rows=1_800, max_mib=64, max_age_days=7)
    outbox = open_in(tmp_path, itertools.count(1), limits, DAWN)
    try:
        fill(outbox, 1, 90)
        assert outbox.next_seq(Lane.BULK) - 1 > 1_800 >= outbox.load.rows
        assert {gap.reason for gap in gaps(stored(outbox))} == {GapReason.MERGED}
        fill(outbox, 2, 90)
        fill(outbox, 0, 90)
        reasons = {gap.reason for gap in gaps(stored(outbox))}
        assert reasons == {GapReason.MERGED, GapReason.DROPPED_ROWS}, "the same hours again: none"
    finally:
        outbox.close()


def test_a_step_reads_and_merges_no_more_than_it_may(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merger, "READ_ROWS", 100)
    monkeypatch.setattr(merger, "MERGE_ROWS", 60)
    fill(outbox, 1, 90)
    with again(tmp_path, outbox) as box:
        sizes = [box.load.rows]
        for _ in range(100):
            box.tidy(DAWN + timedelta(minutes=100))
            sizes.append(box.load.rows)
        stored(box)
    steps = [a - b for a, b in itertools.pairwise(sizes)]
    assert max(steps) <= MERGE_STEPS * (60 + 90), "a series of one quarter is never cut"
    assert sizes[-1] < 0.7 * sizes[0]
