"""Tells others: every few seconds what `out/` says is made as it should be, site by site.

Slow on purpose: what goes out are levels and minutes, and a change within LOOK_S of another is told with it. Of several processes
one tells, the holder of the lease; what it has said stands in the store, so the next goes on where it ended.

Order   sites of which something was told since they were looked at, then those that were not looked at for longest.
Bounds  DUE_MAX sites a look, and at most SHARE of the time, so that a busy hub tells later rather than stores later. What
        stands of sites that it does not come to within half an hour lapses by itself: others then know nothing rather
        than something old.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from gatehouse_hub.errors import StoreError
from gatehouse_hub.flows.leaseholder import Holding
from gatehouse_hub.notify.out_messages import SiteNow, out_messages
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Clock, Metrics

LOOK_S: Final = 10.0
DUE_MAX: Final = 500
SHARE: Final = 0.2

_log = logging.getLogger(__name__)


class OutLoop:
    """`run` until `stop`. `names` are all sites; `look` gives one as others may know it, None for one that is gone."""

    def __init__(
        self,
        topics: OutTopics,
        names: Callable[[], Sequence[str]],
        look: Callable[[str, datetime], SiteNow | None],
        clock: Clock,
        metrics: Metrics,
        holding: Holding,
    ) -> None:
        self._topics, self._names, self._look = topics, names, look
        self._clock, self._metrics = clock, metrics
        self._holding = holding
        self._changed: set[str] = set()
        self._looked_s: dict[str, float] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Tell until stopped."""
        failed = False
        took_s = 0.0
        while not self._stopping.wait(max(LOOK_S, took_s / SHARE)):
            began_s = self._clock.monotonic_s()
            try:
                self._holding.refresh(self._clock.monotonic_s())
                if self._holding.held:
                    self.refresh()
            except StoreError as error:
                if not failed:
                    _log.warning("what others are told waits for the database: %s", error)
                failed = True
            else:
                if failed:
                    _log.warning("others are told again")
                failed = False
            took_s = self._clock.monotonic_s() - began_s
        try:
            self._holding.end()
        except StoreError as error:
            _log.warning("another process tells others only when this lease ends: %s", error)

    def note(self, site: str) -> None:
        """Something of a site is new. From any thread; never blocks."""
        self._changed.add(site)

    def refresh(self) -> int:
        """Make the topics of the sites that are due as they should be; how many were written."""
        now = self._clock.now()
        began_s = self._clock.monotonic_s()
        names = self._names()
        written = self._topics.clear_unknown(frozenset(names))
        self._looked_s = {n: at_s for n in names if (at_s := self._looked_s.get(n)) is not None}
        for name in self._due(names):
            if self._clock.monotonic_s() - began_s > LOOK_S * SHARE:
                break  # the rest comes first next time
            self._changed.discard(name)
            site = self._look(name, now)
            if site is not None:
                written += self._topics.refresh(name, out_messages(site, now), now)
            self._looked_s[name] = self._clock.monotonic_s()
        self._metrics.count("out_topics_written", written)
        return written

    def _due(self, names: Sequence[str]) -> list[str]:
        never_s = float("-inf")
        order = sorted(
            names, key=lambda n: (n not in self._changed, self._looked_s.get(n, never_s))
        )
        return order[:DUE_MAX]

    def stop(self) -> None:
        """End after the refresh at work."""
        self._stopping.set()
