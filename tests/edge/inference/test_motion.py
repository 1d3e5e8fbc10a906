import numpy as np
import pytest

from gatehouse_edge.inference.boxes import LABELS
from gatehouse_edge.inference.detector import open_detector
from gatehouse_edge.inference.motion import MotionDetector, MotionParameters
from gatehouse_shared.names import Label

RATE = 10.0
PLACE = np.kron(
    np.random.default_rng(5).integers(60, 180, (27, 48, 3)), np.ones((16, 16, 1))
).astype(np.uint8)


def with_thing(x, y=150, size=60):
    pixels = PLACE.copy()
    pixels[y : y + size, x : x + size] = 255
    return pixels


def settled(**changed):
    """A detector that has looked at the empty place for three seconds."""
    detector = MotionDetector(1 / RATE, MotionParameters(**changed))
    for _ in range(int(3 * RATE)):
        detector.find(PLACE)
    return detector


def test_what_moves_is_one_object_where_it_is():
    detector = settled()
    found = [detector.find(with_thing(x)) for x in range(100, 400, 20)][-1]
    assert [LABELS[k] for k in found.labels] == [Label.OBJECT]
    assert found.xyxy[0] == pytest.approx((380, 150, 440, 210), abs=14)


def test_an_empty_place_is_empty_also_with_the_noise_of_a_camera():
    random = np.random.default_rng(1)
    detector = settled()
    for _ in range(30):
        noisy = np.clip(PLACE + random.normal(0, 4, PLACE.shape), 0, 255).astype(np.uint8)
        assert len(detector.find(noisy).scores) == 0


def test_a_change_of_light_is_no_object():
    detector = settled()
    bright = np.clip(PLACE.astype(int) + 60, 0, 255).astype(np.uint8)
    assert [len(detector.find(bright).scores) for _ in range(5)] == [0] * 5
    assert len(detector.find(with_thing(300)).scores) <= 1


def test_what_stops_is_told_for_a_while_and_then_belongs_to_the_place():
    detector = settled(absorb_s=5.0)
    seen = [len(detector.find(with_thing(200)).scores) for _ in range(int(30 * RATE))]
    assert all(seen[: int(2 * RATE)])
    assert seen[-1] == 0


def test_a_speck_is_no_object():
    detector = settled()
    assert len(detector.find(with_thing(200, size=8)).scores) == 0


def test_a_camera_that_changes_its_size_starts_again():
    detector = settled()
    assert len(detector.find(np.zeros((300, 300, 3), np.uint8)).scores) == 0


def test_cameras_do_not_see_one_anothers_background():
    first = open_detector("motion", interval_s=1 / RATE)
    second = first.for_camera(1)
    try:
        for _ in range(20):
            first.detect(PLACE)
            second.detect(with_thing(200))
        assert len(first.detect(with_thing(200))) == 1
        assert second.detect(with_thing(200)) == ()
    finally:
        first.close()
        second.close()


def test_cars_from_straight_above_are_found_where_trained_models_fail(assets):
    cv2 = pytest.importorskip("cv2")
    clip = cv2.VideoCapture(str(assets / "video" / "car-detection.mp4"))
    detector = open_detector("motion", interval_s=1 / 10)
    told = []
    try:
        while len(told) < 120:
            ok, pixels = clip.read()
            assert ok
            told.append(detector.detect(pixels))
    finally:
        detector.close()
        clip.release()
    assert sum(bool(found) for found in told) >= 30
    assert max(map(len, told)) <= 3
