"""The messages of a run, made beforehand: many gateways of many sites, both lanes, exactly what the wire asks for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from gatehouse_hub.simulate.life import Life
from gatehouse_hub.simulate.places import Plot, plots, site_id, site_tree
from gatehouse_shared.events import ClockState, Data
from gatehouse_shared.names import Lane
from gatehouse_shared.site import Site, decode_site
from gatehouse_shared.topics import up
from gatehouse_shared.wire import build_event, encode_rows

ALARM_SHARE = 0.05
SPREAD_S = 300
"""Rows of a run happened within so many seconds before it: late, but not historical."""


@dataclass(frozen=True, slots=True)
class Load:
    """One run: the messages in the order in which they are sent. All its lanes have the same `epoch`, never used before."""

    epoch: str
    messages: tuple[tuple[str, bytes], ...]
    events: int
    payload_bytes: int

    def write(self, path: Path) -> Path:
        """The file that the publisher reads."""
        path.write_bytes(msgspec.msgpack.encode(self.messages))
        return path


class Community:
    """The sites and gateways of a bench, and what has happened there."""

    def __init__(self, sites: int, gateways: int, seed: int = 1) -> None:
        self.plots = list(plots(sites, gateways))
        self.sites = [self._site(number) for number in range(sites)]
        self._random = Random(seed)
        self._turn = 0

    def load(
        self, events: int, batch: int, *, sites: int = 64, alarms: float = ALARM_SHARE
    ) -> Load:
        """So many events in messages of `batch`, from the next `sites` sites in turn."""
        chosen = {site_id((self._turn + n) % len(self.sites)) for n in range(sites)}
        self._turn += sites
        makers = [Outbox(plot, self._random) for plot in self.plots if plot.site in chosen]
        epoch = secrets.token_hex(8)
        count = max(1, round(events / batch))
        urgent = set(self._random.sample(range(count), round(count * alarms)))
        messages: list[tuple[str, bytes]] = []
        now = datetime.now(UTC)
        for number in range(count):
            maker = makers[self._random.randrange(len(makers))]
            lane = Lane.ALARM if number in urgent else Lane.BULK
            time = now - timedelta(seconds=SPREAD_S * (1 - number / count))
            messages.append(maker.message(lane, epoch, batch, time))
        size = sum(len(payload) for _, payload in messages)
        return Load(epoch, tuple(messages), count * batch, size)

    def _site(self, number: int) -> Site:
        own = [plot for plot in self.plots if plot.site == site_id(number)]
        return decode_site(site_tree(number, own))


class Outbox:
    """One gateway's rows, numbered."""

    def __init__(self, plot: Plot, random: Random) -> None:
        self._plot = plot
        self._life = Life(plot, Random(random.random()))
        self._last = {Lane.ALARM: 0, Lane.BULK: 0}

    def message(self, lane: Lane, epoch: str, rows: int, time: datetime) -> tuple[str, bytes]:
        """The next rows of a lane as one message: (topic, payload)."""
        first = self._last[lane] + 1
        self._last[lane] += rows
        events = [
            build_event(
                site=self._plot.site,
                gateway=self._plot.gateway,
                epoch=epoch,
                lane=lane,
                seq=seq,
                time=time,
                clock=ClockState.SYNCED,
                data=data,
            )
            for seq, data in enumerate(self._data(lane, first, rows), first)
        ]
        topic = up(self._plot.site, self._plot.gateway, lane.value)
        return topic, encode_rows(events)

    def _data(self, lane: Lane, first: int, rows: int) -> Iterator[Data]:
        for seq in range(first, first + rows):
            yield self._life.next_bulk() if lane is Lane.BULK else self._life.next_alarm(seq)


def rows_of(messages: Sequence[tuple[str, bytes]]) -> int:
    """How many rows messages hold."""
    return sum(payload.count(b'"specversion"') for _, payload in messages)
