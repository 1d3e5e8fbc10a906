"""Counters for Prometheus: the port `Metrics` over a registry of the hub's own, so that two hubs in a process do not mix.

Names and labels are closed: one that is not in COUNTERS, HISTOGRAMS or GAUGES is a defect and raises KeyError.
"""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

COUNTERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "events_stored": ("Rows stored for the first time", ()),
    "events_duplicate": ("Rows that were there already", ()),
    "events_outlived": ("Rows that came again after retention had taken them", ()),
    "events_refused": ("Messages and rows put in quarantine", ()),
    "messages_shed": ("Messages not taken in because the inbox was full; they come again", ()),
    "ingest_failures": ("Messages that the database refused", ()),
    "acks": ("Acks handed to the broker", ()),
    "births": ("Births of gateways by what became of them", ("outcome",)),
    "deaths": ("Deaths of gateways by what became of them", ("outcome",)),
    "answers_unasked": ("Answers to requests that nobody made", ()),
    "links": ("Incidents that were linked anew", ()),
    "out_topics_written": ("Retained topics written for others", ()),
    "notification_attempts": ("Attempts to tell a consumer by how they went", ("outcome",)),
    "notifications_given_up": ("Notifications that nobody received", ()),
    "sites_linked": ("Sites that linkers have seen to", ()),
    "retention_gone": ("Rows and partitions that were past their keeping", ()),
    "link_failures": ("Turns of the linker that failed and were put off", ()),
}
HISTOGRAMS: Final[Mapping[str, str]] = {
    "ingest_batch_seconds": "From taking a batch to its commit",
    "link_seconds": "One transaction of the linker",
}
GAUGES: Final[Mapping[str, str]] = {
    "inbox_messages": "Messages that wait to be stored",
    "notifications_waiting": "Notifications that are not sent yet",
    "notifications_failed": "Notifications that were given up and are still kept",
    "broker_connected": "1 while both broker connections listen",
    "sites_waiting": "Sites with rows that no linker has seen",
    "oldest_waiting_seconds": "How long the first of them has waited",
    "shards_held": "Shards whose gateways this process looks after",
    "gateways_watched": "Gateways of these shards",
}
BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class PrometheusMetrics:
    """The hub's counters. Safe to use from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        prefix = "gatehouse_hub_"
        self._counters = {
            name: Counter(prefix + name, text, labels, registry=self._registry)
            for name, (text, labels) in COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(prefix + name, text, buckets=BUCKETS_S, registry=self._registry)
            for name, text in HISTOGRAMS.items()
        }
        self._gauges = {
            name: Gauge(prefix + name, text, registry=self._registry)
            for name, text in GAUGES.items()
        }

    def count(self, name: str, amount: int = 1, labels: Mapping[str, str] | None = None) -> None:
        """Add to a counter."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, name: str, seconds: float) -> None:
        """Add one duration to a histogram."""
        self._histograms[name].observe(seconds)

    def set(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._gauges[name].set(value)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)
