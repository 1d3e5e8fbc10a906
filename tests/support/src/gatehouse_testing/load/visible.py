"""How long a row takes from being published to being seen by somebody who asks: in the hub's API, or in a bare loop's table.

Probes are alarm rows of one gateway, raised and cleared in turn, EVERY_S apart, over a connection of their own, while another
process publishes a load. Each is asked for until it is there, again POLL_S after each answer; they are so far apart that one is
seen before the next is due, unless the hub stalls. The time counts from when the probe was to be sent, so that a stall counts
for every probe that it held up.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from gatehouse_hub.simulate import packets
from gatehouse_hub.simulate.life import replace_phase
from gatehouse_hub.simulate.places import Plot
from gatehouse_shared.events import ClockState, HazardData
from gatehouse_shared.ids import event_id
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.topics import up
from gatehouse_shared.wire import build_event, encode
from gatehouse_testing.load.real import RealHub

EVERY_S = 0.25
POLL_S = 0.001
GONE_S = 60.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One row to look for; `hazard` is the id of the row that raised its hazard."""

    id: str
    hazard: str
    raised: bool
    topic: str
    payload: bytes


def probes(plot: Plot, epoch: str, count: int) -> Iterator[Probe]:
    """Hazards of one plot that begin and end in turn."""
    begun: HazardData | None = None
    hazard = ""
    for seq in range(1, count + 1):
        if begun is None:
            data = begun = HazardData(
                hazard=seq,
                phase=Phase.RAISED,
                kind=HazardKind.LANE_BLOCKED,
                zone=plot.name("lane"),
                device=plot.name("cam_lane"),
                rule=plot.name("blocked"),
                grade=2,
                confidence=20,
                confirm_s=10,
                armed=False,
                drill=False,
            )
        else:
            data, begun = replace_phase(begun, Phase.CLEARED), None
        event = build_event(
            site=plot.site,
            gateway=plot.gateway,
            epoch=epoch,
            lane=Lane.ALARM,
            seq=seq,
            time=datetime.now(UTC),
            clock=ClockState.SYNCED,
            data=data,
        )
        topic = up(plot.site, plot.gateway, "alarm")
        name = event_id(plot.gateway, epoch, "alarm", seq)
        hazard = hazard if begun is None else name
        yield Probe(name, hazard, begun is not None, topic, encode(event))


def watch(
    port: int, plot: Plot, epoch: str, count: int, seen: Callable[[Probe], bool]
) -> list[float]:
    """Milliseconds that each of `count` probes took."""
    found: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(packets.connect(f"probe-{epoch}", keepalive_s=0))
        sock.recv(4)
        due_s = time.monotonic()
        for number, probe in enumerate(probes(plot, epoch, count), 1):
            due_s += EVERY_S
            time.sleep(max(0.0, due_s - time.monotonic()))
            sock.sendall(packets.publish(probe.topic, probe.payload, number))
            while not seen(probe):
                if time.monotonic() - due_s > GONE_S:
                    raise TimeoutError("a probe never came")
                time.sleep(POLL_S)
            found.append((time.monotonic() - due_s) * 1000)
    return found


class InApi:
    """Asks the hub for the open hazards of the probe's site."""

    def __init__(self, hub: RealHub, plot: Plot) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
        self._path = f"/api/v1/sites/{plot.site}/hazards?open=true"
        self._headers = {"Authorization": f"Bearer {hub.token}"}

    def __call__(self, probe: Probe) -> bool:
        """Whether the list is as the probe leaves it."""
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the API says {answer.status}: {body[:200]!r}")
        return (probe.hazard.encode() in body) == probe.raised


class InTable:
    """Asks the bare loop's table for the probe's row."""

    def __init__(self, url: str, table: str = "bare_event") -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
        self._sql = f"SELECT 1 FROM {table} WHERE id = %s".encode()

    def __call__(self, probe: Probe) -> bool:
        """Whether the row can be selected."""
        return self._connection.execute(self._sql, (probe.id,)).fetchone() is not None


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
