"""Scene plates: whoever walks by changes no pixel outside the flat gray."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gatehouse_edge.gate.plate_masks import TILE_PX
from gatehouse_edge.gate.plates import (
    BACKGROUND_S,
    FLAT_GRAY,
    JPEG_MOST_BYTES,
    SETTLE_S,
    Plate,
    PlateKeeper,
    encode,
)
from gatehouse_edge.values import Frame, FrameKind, Track, TrackId, Tracks
from gatehouse_shared.names import Label
from gatehouse_testing.picture_faults import START

WIDE, HIGH = 320, 192
READY_S = SETTLE_S + BACKGROUND_S + 30.0
REGION = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.9), (0.3, 0.9))
Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


def place() -> Pixels:
    """A yard: structure everywhere, always the same."""
    rng = np.random.default_rng(11)
    coarse = rng.integers(40, 200, (HIGH // 16, WIDE // 16, 3)).astype(np.uint8)
    return cv2.resize(coarse, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


PLACE = place()


def frame_of(pixels: Pixels, at: float) -> Frame:
    time = START + timedelta(seconds=at)
    return Frame("cam_1", FrameKind.COLOUR, round(at * 2), at, time, pixels)


def noisy(at: float) -> Pixels:
    """The yard at a moment: a sensor's noise, the same in every run."""
    rng = np.random.default_rng(round(at * 2) % 7)
    noise = rng.integers(-3, 4, (HIGH, WIDE, 1))
    return np.clip(PLACE.astype(np.int16) + noise, 0, 255).astype(np.uint8)


def drawn(pixels: Pixels, box: Box, seed: int) -> Pixels:
    """Somebody with a coat of many colours, to be recognised anywhere."""
    x1, y1, x2, y2 = (round(v) for v in box)
    x1, y1, x2, y2 = max(0, x1), max(0, y1), min(WIDE, x2), min(HIGH, y2)
    out = pixels.copy()
    if x2 > x1 and y2 > y1:
        rng = np.random.default_rng(seed)
        coat = rng.integers(0, 256, (y2 - y1 + 5, x2 - x1 + 5, 3)).astype(np.uint8)
        out[y1:y2, x1:x2] = coat[: y2 - y1, : x2 - x1]
    return out


def seen(at: float, boxes: Iterable[Box], label: Label = Label.PERSON) -> tuple[Tracks, ...]:
    found = tuple(Track(TrackId(i), label, 0.8, box, 2.0, 4, True) for i, box in enumerate(boxes))
    return (Tracks("cam_1", at, START + timedelta(seconds=at), WIDE, HIGH, found),)


def film(until: float, walkers: Callable[[float], list[tuple[Box, bool]]]) -> PlateKeeper:
    """A keeper that watched the yard, and who was there and whether the model saw them.

    A frame a second around what happens, around the moment of the background and at the end; else one in ten seconds.
    """
    keeper = PlateKeeper()
    for second in range(int(until)):
        at = float(second)
        there = walkers(at)
        near = there or walkers(at - 15.0) or walkers(at + 5.0)
        if not (near or second % 10 == 0 or 45 < second < 80 or second > until - 20):
            continue
        pixels = noisy(at)
        for number, (box, _) in enumerate(there):
            pixels = drawn(pixels, box, number)
        keeper.note(frame_of(pixels, at), seen(at, [box for box, found in there if found]))
    return keeper


def nobody(_at: float) -> list[tuple[Box, bool]]:
    return []


@pytest.fixture(scope="module")
def empty() -> dict[bool, Plate]:
    keeper = film(READY_S, nobody)
    plates = {cut: keeper.plate(REGION if cut else None) for cut in (False, True)}
    return {cut: plate for cut, plate in plates.items() if plate is not None}


def outside_gray(a: Plate, b: Plate) -> Pixels:
    """Where two plates differ though neither is gray there."""
    shown = ~(a.gray | b.gray)
    wide = np.kron(shown, np.ones((TILE_PX, TILE_PX), dtype=bool)).astype(bool)
    return np.any(a.pixels != b.pixels, axis=2) & wide


def test_before_half_an_hour_there_is_no_plate():
    keeper = film(BACKGROUND_S + SETTLE_S - 5, nobody)
    assert keeper.plate(None) is None
    assert film(READY_S, nobody).plate(None) is not None


def test_an_empty_place_is_shown_whole(empty):
    assert set(empty) == {False, True}
    assert not empty[False].gray.any()
    assert not empty[True].gray.any()


def test_the_region_is_of_now_and_the_rest_is_background():
    fire = (140.0, 90.0, 180.0, 130.0)

    def burning(at: float) -> list[tuple[Box, bool]]:
        return [(fire, False)] if at > READY_S - 60 else []

    keeper = PlateKeeper()
    for second in range(int(READY_S)):
        at = float(second)
        pixels = drawn(noisy(at), fire, 3) if burning(at) else noisy(at)
        told = seen(at, [fire] if burning(at) else [], Label.FLAME)
        keeper.note(frame_of(pixels, at), told)
    cut, whole = keeper.plate(REGION), keeper.plate(None)
    assert cut is not None
    assert whole is not None
    differs = np.any(cut.pixels != whole.pixels, axis=2)
    assert differs[100:120, 150:170].mean() > 0.5
    assert not cut.gray[6:8, 9:11].any()
    assert not differs[:48].any()


class Walker:
    """Somebody who comes at `begin`, walks, stands for `stand_s` at `stop`, walks on; found by the model only sometimes."""

    def __init__(
        self, begin: float, stop: tuple[float, float], stand_s: float, found: float, seed: int
    ) -> None:
        self.begin, self.stop, self.stand_s, self.found, self.seed = (
            begin,
            stop,
            stand_s,
            found,
            seed,
        )

    def at(self, at: float) -> list[tuple[Box, bool]]:
        gone = at - self.begin
        if gone < 0:
            return []
        walked = min(gone, 12.0) + max(0.0, gone - 12.0 - self.stand_s)
        x = self.stop[0] + (walked - 12.0) * 9.0
        y = self.stop[1]
        if not -20 < x < WIDE + 20:
            return []
        box = (x - 8.0, y - 24.0, x + 8.0, y + 24.0)
        rng = np.random.default_rng((self.seed, round(at)))
        return [(box, bool(rng.random() < self.found))]


WALKERS = st.builds(
    Walker,
    begin=st.one_of(st.floats(0, READY_S - 20), st.floats(SETTLE_S - 30, SETTLE_S + 30)),
    stop=st.tuples(st.floats(20, WIDE - 20), st.floats(30, HIGH - 30)),
    stand_s=st.floats(0, 400),
    found=st.floats(0.4, 1.0),
    seed=st.integers(0, 1000),
)


@settings(max_examples=5, deadline=None)
@given(walkers=st.lists(WALKERS, min_size=1, max_size=4))
def test_walkers_change_no_pixel_outside_the_flat_gray(empty, walkers):
    def there(at: float) -> list[tuple[Box, bool]]:
        return [one for walker in walkers for one in walker.at(at)]

    keeper = film(READY_S, there)
    for cut in (False, True):
        plate = keeper.plate(REGION if cut else None)
        assert plate is not None
        assert not outside_gray(plate, empty[cut]).any()


@pytest.mark.parametrize("stand_s", [0.0, 300.0])
def test_a_walker_in_the_region_is_flat_gray_there_and_leaves_no_trace(empty, stand_s):
    walker = Walker(READY_S - 14.0 - stand_s, (160.0, 110.0), stand_s + 60, 0.8, 5)
    plate = film(READY_S, walker.at).plate(REGION)
    assert plate is not None
    assert plate.gray[6:8, 9:11].all()
    assert (plate.pixels[96:128, 152:168] == FLAT_GRAY).all()
    assert not outside_gray(plate, empty[True]).any()


def test_somebody_who_stood_there_all_the_time_is_no_background(empty):
    plate = film(READY_S, lambda _at: [((150.0, 60.0, 180.0, 130.0), True)]).plate(None)
    assert plate is not None
    assert plate.gray[4:8, 10].all()
    assert not outside_gray(plate, empty[False]).any()


def test_somebody_whom_the_model_never_sees_is_no_background_either(empty):
    walker = Walker(SETTLE_S - 20, (160.0, 100.0), 500.0, 0.0, 1)
    plate = film(READY_S, walker.at).plate(None)
    assert plate is not None
    assert not outside_gray(plate, empty[False]).any()


def test_gray_tiles_spread_nothing_into_their_neighbours_when_coded(empty):
    keeper = film(READY_S, lambda _at: [((150.0, 60.0, 180.0, 130.0), True)])
    plate = keeper.plate(None)
    assert plate is not None
    coded = [encode(one) for one in (plate, empty[False])]
    pictures = [
        np.asarray(cv2.imdecode(np.frombuffer(c or b"", np.uint8), cv2.IMREAD_COLOR)) for c in coded
    ]
    shown = np.kron(~plate.gray, np.ones((TILE_PX, TILE_PX), dtype=bool)).astype(bool)
    assert (pictures[0][shown] == pictures[1][shown]).all()


def test_a_plate_fits_its_bounds_whatever_it_shows():
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (368, 640, 3)).astype(np.uint8)
    coded = encode(Plate(noise, np.zeros((23, 40), dtype=bool)))
    assert coded is None or len(coded) <= JPEG_MOST_BYTES
    calm = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.uint8)
    coded = encode(Plate(calm, np.zeros((23, 40), dtype=bool)))
    assert coded is not None
    assert len(coded) <= JPEG_MOST_BYTES


def test_while_the_model_does_not_look_there_is_no_plate():
    keeper = film(READY_S, nobody)
    for second in range(20):
        keeper.note(frame_of(noisy(0.0), READY_S + second))
    assert keeper.plate(None) is None
    keeper.seen(seen(READY_S + 20, [])[0])
    assert keeper.plate(None) is not None


def test_what_the_model_finds_late_is_hidden_all_the_same():
    keeper = film(READY_S, nobody)
    keeper.seen(seen(READY_S - 3, [(152.0, 96.0, 168.0, 128.0)])[0])
    plate = keeper.plate(REGION)
    assert plate is not None
    assert plate.gray[6:8, 9:11].all()


def test_another_size_or_an_earlier_time_starts_the_half_hour_anew():
    keeper = film(READY_S, nobody)
    keeper.note(frame_of(noisy(0.0), 0.0), ())
    assert keeper.plate(None) is None
    keeper = film(READY_S, nobody)
    keeper.note(frame_of(cv2.resize(PLACE, (160, 96)).astype(np.uint8), READY_S + 1), ())
    assert keeper.plate(None) is None
