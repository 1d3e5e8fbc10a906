"""The tracker's settings and their shipped values: one place, for the agent, the benches and `./dev tracks` alike.

Times are seconds, lengths are shares of the object's own height, overlaps are IoU. Nothing is counted in frames but
`confirm_hits`, which says how often an object must have been seen, whatever the rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TrackerParameters:
    """How detections become tracks. The three scores come from the model's manifest, the rest suits any model.

    Sources: two-stage association arXiv 2110.06864, observation-centred recovery and momentum arXiv 2203.14360,
    buffered overlap arXiv 2211.13317.
    """

    score_high: float = 0.6
    """At least this: matched first, with all tracks."""
    score_low: float = 0.1
    """At least this: may carry on a track that was seen a moment ago, never begin one."""
    score_new: float = 0.7
    """At least this: begins a track."""
    overlap: float = 0.2
    """Least IoU of a sure detection with the place where the track should be."""
    overlap_low: float = 0.4
    """The same for unsure detections."""
    slow_s: float = 0.125
    """Frames this far apart or farther are slow: boxes are widened before they are compared."""
    widen: float = 0.3
    """Share of its size by which a box grows on each side when frames are slow."""
    widen_lost: float = 0.5
    """The same in the second try, against where the object was last seen."""
    momentum: float = 0.2
    """Weight of keeping one's direction, against overlap."""
    momentum_s: float = 0.4
    """Time over which a track's direction is taken."""
    stature: float = 0.2
    """Weight of being as tall as expected, against overlap."""
    confirm_hits: int = 3
    """Times an object must be seen before its track is told."""
    keep_s: float = 2.0
    """How long a confirmed track that is not seen is kept."""
    keep_new_s: float = 0.3
    """The same before it is confirmed."""
    twin_overlap: float = 0.5
    """A detection that overlaps a matched track this much begins no second one."""
    place_noise: float = 0.05
    """Standard deviation of a box's place, in heights."""
    speed_noise: float = 0.4
    """How fast speed wanders, in heights per second per root second."""
    size_noise: float = 0.3
    """How fast size wanders, in heights per root second."""


DEFAULTS = TrackerParameters()


class ModelScores(Protocol):
    """What a model's scores mean; a manifest carries them."""

    @property
    def high(self) -> float:
        """Sure enough to be matched first."""
        ...

    @property
    def low(self) -> float:
        """The least that says anything."""
        ...

    @property
    def new(self) -> float:
        """Enough to begin a track."""
        ...


def parameters_for(scores: ModelScores) -> TrackerParameters:
    """The shipped settings with one model's scores."""
    return replace(DEFAULTS, score_high=scores.high, score_low=scores.low, score_new=scores.new)
