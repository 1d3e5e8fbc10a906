"""How many stand in a zone: foot points in the view's polygon, median over three seconds, once a second.

Pure. Bounds: at most `SAMPLES_MAX` frames are remembered, whatever the frame rate.
Source  presence by the bottom centre of the box is the practice of the field; the median bridges single missed frames.
"""

from dataclasses import dataclass
from statistics import median_low
from typing import Final

from gatehouse_edge.rules.geometry import foot
from gatehouse_edge.rules.views import View, in_frame
from gatehouse_edge.values import Tracks, ZoneCount
from gatehouse_shared.names import Label

MEDIAN_S: Final = 3.0
EVERY_S: Final = 1.0
SAMPLES_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class CountSample:
    """Counts of one frame, in the order of the counter's labels."""

    at: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CountState:
    """What one view's counter remembers. Start from `CountState()`."""

    told_at: float = float("-inf")
    samples: tuple[CountSample, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoneCounter:
    """Counts some labels in one view."""

    view: View
    labels: tuple[Label, ...]

    def step(self, state: CountState, tracks: Tracks) -> tuple[CountState, tuple[ZoneCount, ...]]:
        """Take in one frame; once a second one count for each label, zeros included."""
        inside = [
            t.label for t in tracks.tracks if t.seen and self.view.holds(foot(in_frame(tracks, t)))
        ]
        fresh = CountSample(tracks.at, tuple(inside.count(label) for label in self.labels))
        recent = tuple(s for s in state.samples if 0 <= tracks.at - s.at <= MEDIAN_S)
        samples = (*recent, fresh)[-SAMPLES_MAX:]
        if 0 <= tracks.at - state.told_at < EVERY_S - 1e-6:
            return CountState(state.told_at, samples), ()
        counts = tuple(
            ZoneCount(
                zone=self.view.zone,
                device=self.view.device,
                label=label,
                at=tracks.at,
                time=tracks.time,
                count=median_low(s.counts[i] for s in samples),
            )
            for i, label in enumerate(self.labels)
        )
        return CountState(tracks.at, samples), counts
