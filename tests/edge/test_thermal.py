"""Temperatures of zones in a thermal frame."""

from datetime import timedelta

import numpy as np
import pytest

from gatehouse_edge.inference.thermal import Thermometer
from gatehouse_edge.values import Frame, FrameKind
from gatehouse_testing.gateway_parts import START

ZONES = {
    "left": [(0.0, 0.0), (0.25, 0.0), (0.25, 1.0), (0.0, 1.0)],
    "right": [(0.75, 0.0), (1.0, 0.0), (1.0, 1.0), (0.75, 1.0)],
}


def frame(at: float, hot_c: float = 22.0, kind: FrameKind = FrameKind.THERMAL) -> Frame:
    pixels = np.full((40, 80), 22.0, np.float32)
    pixels[10:20, 2:12] = hot_c
    return Frame("thermal_1", kind, 0, at, START + timedelta(seconds=at), pixels)


def test_a_hot_bay_stands_out_from_ambient_and_from_its_neighbour() -> None:
    samples = {s.zone: s for s in Thermometer("thermal_1", ZONES).see(frame(0.0, 60.0))}
    assert samples["left"].hot_c == pytest.approx(60.0)
    assert samples["left"].hot_px == 100
    assert samples["left"].ambient_c == pytest.approx(22.0)
    assert samples["left"].neighbours_c == pytest.approx(22.0)
    assert samples["right"].hot_c == pytest.approx(22.0)
    assert samples["right"].neighbours_c == pytest.approx(60.0)


def test_a_dead_pixel_is_no_heat() -> None:
    one = frame(0.0)
    one.pixels[5, 5] = 300.0
    samples = Thermometer("thermal_1", ZONES).see(one)
    assert max(s.hot_c for s in samples) == pytest.approx(22.0)


def test_ambient_follows_over_minutes_not_at_once() -> None:
    meter = Thermometer("thermal_1", ZONES)
    meter.see(frame(0.0))
    warm = frame(60.0)
    np.add(warm.pixels, 10.0, out=warm.pixels)
    after_a_minute = meter.see(warm)[0].ambient_c
    assert after_a_minute is not None
    assert 22.0 < after_a_minute < 24.0


def test_samples_come_at_most_twice_a_second_and_only_of_thermal_frames() -> None:
    meter = Thermometer("thermal_1", ZONES)
    told = [bool(meter.see(frame(n / 25))) for n in range(50)]
    assert sum(told) in (4, 5)
    assert meter.see(frame(9.0, kind=FrameKind.COLOUR)) == ()
