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
    widen_lost: float = 0.3
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
    place_noise: float = 0.06
    """Standard deviation of a box's place, in heights; a track that is seen is told no farther from what was seen."""
    speed_noise: float = 0.4
    """How fast speed wanders, in heights per second per root second."""
    size_noise: float = 0.1
    """How fast size wanders, in heights per root second."""
    slack_tall: float = 0.07
    """A box taller or shorter than expected by more than this share shows something else too, or not all: the edge that
    lies where it should is believed, and the other follows from the height."""
    slack_wide: float = 0.3
    """The same for the width, which swings as people walk."""
    reach: float = 0.3
    """A lost track is taken up this far from where it should be, in heights …"""
    reach_per_s: float = 0.2
    """… and this much farther for each second that it was lost."""
    reach_alike: float = 0.8
    """… by what is at least this alike in height."""
    settled_hits: int = 6
    """Times a track must have been seen before its way is believed across a gap or a meeting."""
    split_s: float = 1.1
    """How long after two have met it is still asked who is who."""
    split_span_s: float = 0.7
    """Time over which the way before the meeting is taken."""
    split_near: float = 0.3
    """How close to that way the one who comes out must be, in heights."""
    split_off: float = 0.7
    """How far from it the track must have been led, in heights."""
    split_speed: float = 0.3
    """The least speed of a way, in heights per second."""
    split_alike: float = 0.7
    """The least likeness in height of the one who comes out."""


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
