"""How many stand in a zone: foot points in the view's polygon, median over three seconds, once a second.

Pure. Bounds: at most `SAMPLES_MAX` frames are remembered, whatever the frame rate.
Source  presence by the bottom centre of the box is the practice of the field; the median bridges single missed frames.
"""

from dataclasses import dataclass
from statistics import median_low
from typing import Final

from gatehouse_edge.rules.sighted import Sighted
from gatehouse_edge.rules.views import View
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

    def step(
        self, state: CountState, tracks: Tracks, sighted: Sighted | None = None
    ) -> tuple[CountState, tuple[ZoneCount, ...]]:
        """Take in one frame; once a second one count for each label, zeros included.

        `sighted`: these tracks, where they are worked out already.
        """
        sighted = Sighted(tracks) if sighted is None else sighted
        held = sighted.inside(self.view)
        inside = [one.track.label for one, is_in in zip(sighted.each, held, strict=True) if is_in]
        fresh = CountSample(tracks.at, tuple([inside.count(label) for label in self.labels]))
        samples = (*_recent(state.samples, tracks.at), fresh)[-SAMPLES_MAX:]
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


def _recent(samples: tuple[CountSample, ...], at: float) -> tuple[CountSample, ...]:
    """Those of the last MEDIAN_S. They lie in order; the camera's own time may have gone back."""
    if samples and at < samples[-1].at:
        return tuple(s for s in samples if 0 <= at - s.at <= MEDIAN_S)
    old = 0
    while old < len(samples) and at - samples[old].at > MEDIAN_S:
        old += 1
    return samples[old:]
