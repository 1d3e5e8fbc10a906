"""Temperatures of zones in a thermal frame."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from gatehouse_edge.inference.thermal import Thermometer
from gatehouse_edge.values import Frame, FrameKind, SourceDown, ThermalSample
from gatehouse_testing.gateway_parts import START

ZONES = {
    "left": [(0.0, 0.0), (0.25, 0.0), (0.25, 1.0), (0.0, 1.0)],
    "right": [(0.75, 0.0), (1.0, 0.0), (1.0, 1.0), (0.75, 1.0)],
}


def frame(at: float, hot_c: float = 22.0, kind: FrameKind = FrameKind.THERMAL) -> Frame:
    pixels = np.tile(np.linspace(21.9, 22.1, 80, dtype=np.float32), (40, 1))
    if hot_c != 22.0:
        pixels[10:20, 2:12] = hot_c
    return Frame("thermal_1", kind, 0, at, START + timedelta(seconds=at), pixels)


def test_a_hot_bay_stands_out_from_ambient_and_from_its_neighbour() -> None:
    samples = {s.zone: s for s in samples_of(Thermometer("thermal_1", ZONES), frame(0.0, 60.0))}
    assert samples["left"].hot_c == pytest.approx(60.0)
    assert samples["left"].hot_px == 100
    assert samples["left"].ambient_c == pytest.approx(22.0, abs=0.11)
    assert samples["left"].neighbours_c == pytest.approx(22.0, abs=0.11)
    assert samples["right"].hot_c == pytest.approx(22.0, abs=0.11)
    assert samples["right"].neighbours_c == pytest.approx(60.0)


def test_a_dead_pixel_is_no_heat() -> None:
    one = frame(0.0)
    one.pixels[5, 5] = 300.0
    samples = samples_of(Thermometer("thermal_1", ZONES), one)
    assert max(s.hot_c for s in samples) == pytest.approx(22.0, abs=0.11)


def test_three_by_three_pixels_are_found_in_the_largest_zone_and_scattered_dead_ones_are_not() -> (
    None
):
    everything = {"all": [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]}
    small, smaller = frame(0.0), frame(0.0)
    small.pixels[20:23, 40:43] = 60.0
    smaller.pixels[20:22, 40:44] = 60.0
    smaller.pixels[1:38:4, 4:76:6] = 300.0
    [found] = Thermometer("thermal_1", everything).see(small)
    assert isinstance(found, ThermalSample)
    assert (found.hot_c, found.hot_px) == (60.0, 9)
    [missed] = Thermometer("thermal_1", everything).see(smaller)
    assert isinstance(missed, ThermalSample)
    assert missed.hot_c < 23.0, "eight pixels, and a hundred dead ones"


def test_an_ambient_that_was_given_is_not_measured() -> None:
    meter = Thermometer("thermal_1", ZONES, ambient_c=5.0)
    for minute in range(3):
        assert {s.ambient_c for s in samples_of(meter, frame(60.0 * minute))} == {5.0}


@pytest.mark.parametrize(
    ("spoilt", "absolute", "reason"),
    [
        (lambda pixels: np.full_like(pixels, 22.0), True, "same everywhere"),
        (lambda pixels: np.where(pixels > 22.0, np.nan, pixels), True, "numbers that are none"),
        (lambda pixels: pixels + 150.0, True, "surroundings read 172 C"),
        (lambda pixels: pixels + 150.0, False, ""),
    ],
    ids=["a closed shutter", "not numbers", "an oven", "an unknown zero"],
)
def test_a_picture_that_cannot_be_true_is_a_source_that_is_down(
    spoilt: Callable[[np.ndarray], np.ndarray], absolute: bool, reason: str
) -> None:
    meter = Thermometer("thermal_1", ZONES, absolute=absolute)
    bad = frame(0.0)
    np.copyto(bad.pixels, spoilt(bad.pixels).astype(np.float32))
    said = meter.see(bad)
    faults = [s.reason for s in said if isinstance(s, SourceDown)]
    assert [reason in fault for fault in faults] == [True] * bool(reason)
    if reason:
        assert meter.see(frame(0.1)) == (), "no oftener than samples"
        assert len(samples_of(meter, frame(1.0))) == 2, "well again"


def test_while_the_camera_itself_warms_up_only_absolute_temperatures_are_told() -> None:
    meter, told = Thermometer("thermal_1", ZONES), []
    for second in range(130):
        one = frame(float(second))
        np.add(one.pixels, min(8.0, second * 0.2), out=one.pixels)
        told.append(samples_of(meter, one)[0])
    assert {s.ambient_c is None for s in told[:25]} == {False}
    assert {(s.ambient_c, s.neighbours_c) for s in told[26:75]} == {(None, None)}
    assert told[-1].ambient_c is not None, "warm, and steady since a minute"
    assert min(s.hot_c for s in told) > 21.0


def test_counts_without_a_zero_are_marked() -> None:
    said = samples_of(Thermometer("thermal_1", ZONES, absolute=False), frame(0.0))
    assert {s.absolute for s in said} == {False}


def samples_of(meter: Thermometer, one: Frame) -> list[ThermalSample]:
    return [s for s in meter.see(one) if isinstance(s, ThermalSample)]


def test_ambient_follows_over_minutes_not_at_once() -> None:
    meter = Thermometer("thermal_1", ZONES)
    meter.see(frame(0.0))
    warm = frame(60.0)
    np.add(warm.pixels, 4.0, out=warm.pixels)
    after_a_minute = samples_of(meter, warm)[0].ambient_c
    assert after_a_minute is not None
    assert 22.0 < after_a_minute < 22.8


def test_samples_come_at_most_twice_a_second_and_only_of_thermal_frames() -> None:
    meter = Thermometer("thermal_1", ZONES)
    told = [bool(meter.see(frame(n / 25))) for n in range(50)]
    assert sum(told) in (4, 5)
    assert meter.see(frame(9.0, kind=FrameKind.COLOUR)) == ()
