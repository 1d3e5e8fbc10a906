"""Tells others: every few seconds what `out/` says of each site is made as it should be.

Slow on purpose: what goes out are levels and minutes, and a change within LOOK_S of another is told with it. Of several processes
one tells, the holder of the lease; what it has said stands in the store, so the next goes on where it ended.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from gatehouse_hub.errors import StoreError
from gatehouse_hub.flows.leaseholder import Holding
from gatehouse_hub.notify.out_messages import SiteNow, out_messages
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Clock, Metrics

LOOK_S: Final = 10.0

_log = logging.getLogger(__name__)


class OutLoop:
    """`run` until `stop`. `look` gives every site as others may know it."""

    def __init__(
        self,
        topics: OutTopics,
        look: Callable[[datetime], Mapping[str, SiteNow]],
        clock: Clock,
        metrics: Metrics,
        holding: Holding,
    ) -> None:
        self._topics, self._look = topics, look
        self._clock, self._metrics = clock, metrics
        self._holding = holding
        self._stopping = threading.Event()

    def run(self) -> None:
        """Tell until stopped."""
        failed = False
        while not self._stopping.wait(LOOK_S):
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
        try:
            self._holding.end()
        except StoreError as error:
            _log.warning("another process tells others only when this lease ends: %s", error)

    def refresh(self) -> int:
        """Make all topics as they should be; how many were written."""
        now = self._clock.now()
        sites = self._look(now)
        written = self._topics.clear_unknown(frozenset(sites))
        for name, site in sites.items():
            written += self._topics.refresh(name, out_messages(site, now), now)
        self._metrics.count("out_topics_written", written)
        return written

    def stop(self) -> None:
        """End after the refresh at work."""
        self._stopping.set()
