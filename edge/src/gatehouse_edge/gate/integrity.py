"""Watches whether a camera still shows its place: one look a second, numbers out, no picture kept.

Learning   LEARN_LOOKS looks make the first view, once there are edges to learn; then it follows slowly what changes in the place
           (10 min), and only while the picture matches: a cover, a blur or a turned camera is never learned into it.
Views      a picture that matches no view but stays the same for SETTLE_LOOKS looks becomes a view of its own with a new number:
           whether that is accepted is for the rule and for people. A view that comes back is known again. VIEWS_MAX are kept.
Sameness   a real sensor has noise: points that do not change at all for long are a frozen picture. Told only of sources that
           have a sensor (`sensor`); recordings and drawn scenes repeat themselves by right.
Restart    nothing is written: after a restart the view is learned anew.
Cost       0.9 ms a look at 720p, 1.3 ms while the picture fits better elsewhere; nothing for the frames between.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np

from gatehouse_edge.gate.integrity_view import (
    VIEWS_MAX,
    Displacement,
    Floats,
    Gray,
    Picture,
    View,
    picture,
)
from gatehouse_edge.rules.observations import Observation, PictureQuality
from gatehouse_edge.values import Frame

LOOK_S: Final = 1.0
LEARN_LOOKS: Final = 30
SETTLE_LOOKS: Final = 60
MEMORY_LOOKS: Final = 600
RECENT_LOOKS: Final = 5
LEAST_KNOWN: Final = 14
"""Blocks of 144 with edges below which there is nothing to judge by: an unlit place at night, a wall."""
SOUND: Final = 0.3
"""A view that matches so well, and does not fit better elsewhere, is the view; it is learned on."""
AGAIN: Final = 0.5
"""A view that matches so well is surely the view."""
SEEN: Final = 0.2
"""A single picture that matches less is not learned on, though the last ones still speak for the view."""
SURE: Final = 0.7
SHARP: Final = 0.6
"""A picture less sharp than this, over the learned one, is no view to learn."""
SETTLED: Final = 0.25
BETTER: Final = 0.15
"""A picture has settled while the last looks match it so well, and so much better than the view does."""
LOST_LEARNING: Final = 0.2
APART: Final = 0.3
SEARCH_LOOKS: Final = 3
"""While a view matches well enough and nothing lay apart, only each of so many looks is searched for what fits elsewhere."""
ALIKE_LOOKS: Final = 8
"""A frozen picture that is coded again changes with each key frame, and is what it was when the next round has come."""
SAME_LEVELS: Final = 1
SAME_RATIO: Final = 0.001
"""A picture is the same while no more than this share of its points differs by more than SAME_LEVELS from one of the last."""


class IntegrityWatcher:
    """A FrameWatcher of one colour camera. `sensor`: frames come straight from a camera, so a picture never repeats."""

    def __init__(self, *, sensor: bool) -> None:
        self._sensor = sensor
        self.least_fps = 0.0
        self._due_at = float("-inf")
        self._forget()

    def _forget(self) -> None:
        self._views: list[View] = []
        self._current: View | None = None
        self._made = 0
        self._candidate = View(-1)
        self._settled_since: float | None = None
        self._recent: list[Floats] = []
        self._apart, self._unsearched = Displacement(0.0, 0.0), SEARCH_LOOKS
        self._lost = 0
        self._before: deque[Gray] = deque(maxlen=ALIKE_LOOKS)
        self._same_since: float | None = None

    def watch(self, frame: Frame) -> tuple[Observation, ...]:
        """A PictureQuality about once a second, nothing for the frames between. Media time that went back starts anew."""
        if frame.at + LOOK_S < self._due_at:
            self._due_at = float("-inf")
            self._forget()
        if frame.at < self._due_at:
            return ()
        first = self._due_at == float("-inf")
        later = frame.at + (LOOK_S if first else LOOK_S / 2)
        self._due_at = max(self._due_at + LOOK_S, later)
        return (self.look(frame),)

    def look(self, frame: Frame) -> PictureQuality:
        """One look."""
        now = picture(frame.pixels)  # type: ignore[arg-type]  # a colour camera's, uint8
        same_s = self._same_s(now, frame.at)
        self._before.append(now.points)
        if self._current is None:
            self._learn_first(now)
            return PictureQuality(frame.device, frame.at, frame.time, same_s=same_s)
        view, match, apart = self._place(self._current, now)
        settled_s = self._settle(view, now, match, apart, frame.at)
        view = self._current
        if view.known < LEAST_KNOWN:
            return PictureQuality(frame.device, frame.at, frame.time, same_s=same_s)
        return PictureQuality(
            frame.device,
            frame.at,
            frame.time,
            learned=True,
            view=view.number,
            match_ratio=match,
            apart_ratio=apart.ratio,
            way_ratio=apart.way_ratio,
            texture_ratio=view.texture_ratio(now),
            spread_ratio=view.spread_ratio(now),
            sharpness_ratio=view.sharpness_ratio(now),
            clipped_ratio=max(0.0, now.clipped_ratio - view.clipped_ratio),
            settled_s=settled_s,
            same_s=same_s,
        )

    def _same_s(self, now: Picture, at: float) -> float:
        """For how long no point has changed, seconds."""
        if not self._sensor or not self._before:
            return 0.0
        most = SAME_RATIO * now.points.size
        if not any(_changed(before, now.points) <= most for before in reversed(self._before)):
            self._same_since = None
            return 0.0
        if self._same_since is None:
            self._same_since = at - LOOK_S
        return at - self._same_since

    def _learn_first(self, now: Picture) -> None:
        """Looks make a first view, begun anew when they do not agree with each other."""
        learning = self._candidate
        if learning.looks >= RECENT_LOOKS and learning.match_ratio(now) < LOST_LEARNING:
            self._lost += 1
        learning.learn(now, memory_looks=LEARN_LOOKS)
        if self._lost > LEARN_LOOKS // 3:
            self._candidate, self._lost = View(-1), 0
        elif learning.looks >= LEARN_LOOKS and learning.known >= LEAST_KNOWN:
            self._accept()

    def _accept(self) -> None:
        """The candidate is a view from now on; of too many the eldest that is not the first goes."""
        self._candidate.number, self._made = self._made, self._made + 1
        if len(self._views) >= VIEWS_MAX:
            del self._views[1]
        self._views.append(self._candidate)
        self._current = self._candidate
        self._reset()

    def _reset(self) -> None:
        self._candidate, self._settled_since, self._lost = View(-1), None, 0
        self._recent = []
        self._apart, self._unsearched = Displacement(0.0, 0.0), SEARCH_LOOKS

    def _place(self, view: View, now: Picture) -> tuple[View, float, Displacement]:
        """Which view this is, how well it matches over the last looks, and whether it fits better elsewhere."""
        self._recent = [*self._recent[1 - RECENT_LOOKS :], view.fit(now)]
        match = float(np.maximum.reduce(self._recent).sum())
        apart = self._searched(view, now, match)
        if match >= SOUND and apart.ratio < APART:
            return view, match, apart
        for other in self._views:
            if other is not view and other.match_ratio(now) >= AGAIN:
                there = other.displacement(now)
                if there.ratio < APART:
                    self._current = other
                    self._reset()
                    return other, other.match_ratio(now), there
        return view, match, apart

    def _searched(self, view: View, now: Picture, match: float) -> Displacement:
        """How the picture lies against the view; the dearest part of a look, so not oftener than there is cause for."""
        self._unsearched += 1
        calm = match >= SOUND and self._apart.ratio == 0.0 and self._unsearched < SEARCH_LOOKS
        if match >= SURE or calm:
            self._apart = Displacement(0.0, 0.0)
        else:
            self._apart, self._unsearched = view.displacement(now), 0
        return self._apart

    def _settle(
        self, view: View, now: Picture, match: float, apart: Displacement, at: float
    ) -> float:
        """Learn on what is sound; else see whether the picture stays as it is. For how long it has, seconds."""
        if match >= SOUND and apart.ratio < APART:
            if view.match_ratio(now) >= SEEN:
                view.follow(now, memory_looks=MEMORY_LOOKS)
            if self._candidate.looks:
                self._candidate, self._settled_since = View(-1), None
            return 0.0
        candidate = self._candidate
        least = max(SETTLED, view.match_ratio(now) + BETTER)
        if candidate.looks >= RECENT_LOOKS and candidate.match_ratio(now) < least:
            self._candidate = candidate = View(-1)
            self._settled_since = None
        candidate.learn(now, memory_looks=SETTLE_LOOKS)
        if self._settled_since is None:
            self._settled_since = at
        settled_s = at - self._settled_since
        if candidate.looks >= SETTLE_LOOKS and self._worth_learning(view, now):
            self._accept()
        return settled_s

    def _worth_learning(self, view: View, now: Picture) -> bool:
        """Another view of some place, sharp and with structure: not a cover and not a blur."""
        candidate = self._candidate
        return (
            candidate.known >= max(LEAST_KNOWN, view.known // 2)
            and view.texture_ratio(now) >= 0.5
            and view.spread_ratio(now) >= 0.5
            and view.sharpness_ratio(now) >= SHARP
        )


def _changed(before: Gray, now: Gray) -> int:
    """How many points differ by more than coding does."""
    return int(np.count_nonzero(cv2.absdiff(before, now) > SAME_LEVELS))
