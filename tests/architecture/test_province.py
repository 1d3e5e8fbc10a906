"""The page on paper says what its costs and assumptions come to."""

import pytest

from gatehouse_testing.load import province


def test_the_page_holds_the_tables_that_its_costs_give() -> None:
    page = province.PAGE.read_text("utf-8")
    hint = "python -m gatehouse_testing.load.province"
    assert province.filled(page) == page, hint


def test_what_a_province_needs_grows_with_its_short_windows() -> None:
    long, short = province.need(0.0), province.need(1.0)
    assert long.rows_a_day == 300_000 * (96 + 12 + 58 + 324 + 2)
    assert short.rows_s == pytest.approx(300_000 * (1_440 + 24 + 173 + 324 + 2) / 86_400)
    assert all(short.cores()[part] >= cores for part, cores in long.cores().items())
