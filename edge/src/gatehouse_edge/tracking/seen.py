"""The detections of one step as arrays. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np

from gatehouse_edge.tracking.parameters import TrackerParameters
from gatehouse_edge.tracking.table import GROUP, LABELS, MAX_DETECTIONS, Floats, Rows
from gatehouse_edge.values import Detection
from gatehouse_shared.names import Label

_LABEL_INDEX = {label: index for index, label in enumerate(LABELS)}
_score = attrgetter("score")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Detections, best first, in an order that does not depend on how they came: `boxes` `(4, m)`, the rest `(m,)`.

    The first `sure` of them are sure.
    """

    boxes: Floats
    scores: Floats
    labels: Rows
    groups: Rows
    sure: int

    def __len__(self) -> int:
        return self.scores.size

    def take(self, columns: Rows) -> Seen:
        """These detections; which are sure is not said."""
        boxes, labels = self.boxes.take(columns, axis=1), self.labels[columns]
        return Seen(boxes, self.scores[columns], labels, self.groups[columns], 0)


def to_arrays(detections: Sequence[Detection], parameters: TrackerParameters) -> Seen:
    """The best MAX_DETECTIONS detections that say anything."""
    kept = [one for one in detections if one.score >= parameters.score_low]
    kept.sort(key=_score, reverse=True)
    if len({one.score for one in kept}) < len(kept):
        kept.sort(key=_best_first)
    del kept[MAX_DETECTIONS:]
    scores = np.array([one.score for one in kept], np.float64)
    corners = chain.from_iterable([one.xyxy for one in kept])
    boxes = np.fromiter(corners, np.float64, 4 * len(kept)).reshape(-1, 4).T.copy()
    labels = np.array([_LABEL_INDEX[one.label] for one in kept], np.intp)
    sure = int(np.count_nonzero(scores >= parameters.score_high))
    return Seen(boxes, scores, labels, GROUP[labels], sure)


def _best_first(one: Detection) -> tuple[float, tuple[float, float, float, float], Label]:
    return -one.score, one.xyxy, one.label
