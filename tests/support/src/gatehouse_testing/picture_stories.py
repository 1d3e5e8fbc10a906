"""What the watcher of a camera's picture says while something happens to it, in few words; and a story for each rule on it."""

from collections.abc import Iterable
from typing import Final

from gatehouse_edge.rules.observations import Observation, PictureQuality
from gatehouse_testing.watched import moment

SOUND: Final[dict[str, float]] = {"match_ratio": 0.8}
BLACK: Final[dict[str, float]] = {
    "match_ratio": 0.05,
    "texture_ratio": 0.1,
    "spread_ratio": 0.2,
}
SOFT: Final[dict[str, float]] = {"match_ratio": 0.75, "sharpness_ratio": 0.4}
APART: Final[dict[str, float]] = {"match_ratio": 0.35, "apart_ratio": 0.8, "way_ratio": 0.08}


def quality(
    at: float, *, device: str = "cam_1", view: int = 0, learned: bool = True, **ratios: float
) -> PictureQuality:
    """One look at second `at`; what is not said is as in a sound picture."""
    numbers = {**SOUND, **ratios}
    return PictureQuality(device, at, moment(at).time, learned=learned, view=view, **numbers)


def looks(
    spans: Iterable[tuple[int, int, dict[str, float]]], *, device: str = "cam_1", view: int = 0
) -> list[tuple[float, Observation]]:
    """A look a second: (from, to, what it shows)."""
    return [
        (float(at), quality(float(at), device=device, view=view, learned=True, **shown))
        for first, last, shown in spans
        for at in range(first, last)
    ]


def still(first: int, last: int, *, device: str = "cam_1") -> list[tuple[float, Observation]]:
    """A picture that has not changed since `first`."""
    return [
        (float(at), quality(float(at), device=device, same_s=float(at - first)))
        for at in range(first, last)
    ]


def stories() -> dict[str, tuple[str, list[tuple[float, Observation]]]]:
    """For each rule on pictures: the rule of the test site, and what its camera is told."""
    cam = "cam_plaza"
    return {
        "camera_covered": (
            "cam_plaza_covered",
            looks([(0, 10, SOUND), (10, 40, BLACK), (40, 60, SOUND)], device=cam),
        ),
        "camera_blurred": (
            "cam_plaza_blurred",
            looks([(0, 10, SOUND), (10, 40, SOFT), (40, 70, SOUND)], device=cam),
        ),
        "camera_moved": (
            "cam_plaza_moved",
            looks([(0, 10, SOUND), (10, 40, APART), (40, 60, SOUND)], device=cam),
        ),
        "camera_frozen": (
            "cam_plaza_frozen",
            [
                *looks([(0, 10, SOUND)], device=cam),
                *still(10, 50, device=cam),
                *looks([(50, 60, SOUND)], device=cam),
            ],
        ),
    }
