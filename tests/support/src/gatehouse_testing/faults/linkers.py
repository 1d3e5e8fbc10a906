"""Linkers that die: rows of many sites flow in by the product's own ingest while processes that link are killed in turn.

What must be true afterwards: every alarm in exactly one incident, what was linked is what a linking from nothing makes of the
same rows, and no site was ever in the hands of two.
"""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from gatehouse_edge.values import Draft
from gatehouse_hub.ingest.inbox import Arrival
from gatehouse_hub.ingest.late_alarms import HOLD_S
from gatehouse_hub.ports import Database
from gatehouse_hub.store import sites
from gatehouse_hub.store.database import open_database
from gatehouse_shared.events import ClockState, HazardData
from gatehouse_shared.instants import to_ms
from gatehouse_shared.names import HazardKind, Lane, Phase
from gatehouse_shared.site import decode_site
from gatehouse_shared.topics import up
from gatehouse_shared.wire import build_event, encode
from gatehouse_testing.building import START
from gatehouse_testing.faults import linker_process
from gatehouse_testing.faults.children import Child
from gatehouse_testing.faults.linker_process import LinkerTask
from gatehouse_testing.faults.place import gateway_name, rule_name, site_name, site_tree
from gatehouse_testing.faults.suites import Outcome, Plan
from gatehouse_testing.faults.tally import Accepted, Counts, count, is_linked
from gatehouse_testing.hub_parts import Bench, TurnedClock
from gatehouse_testing.waiting import wait_until

LINKERS: Final = 8
SITES: Final = 48
BUSY_SHEDS: Final = 4
"""Alarms of a site are in so few sheds that many belong together."""
SPREAD_S: Final = 3_600
LINK_S: Final = 120.0
EPOCH: Final = "ab" * 8


@dataclass
class Fed:
    """Gateways of all sites, each writing alarms whose times are in no order."""

    bench: Bench
    drawn: Random
    accepted: list[Accepted] = field(default_factory=list[Accepted])
    _seqs: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def feed(self, rows: int) -> None:
        """So many alarms of sites drawn by chance, stored by one commit or a few."""
        worker = self.bench.worker()
        for _ in range(rows):
            self.bench.give(self._arrival(self.drawn.randint(1, SITES)))
        worker.step(0.0)
        self.bench.turn(worker, HOLD_S + 1.0)  # what looks late has waited for its gateway's clock

    def _arrival(self, number: int) -> Arrival:
        self._seqs[number] += 1
        seq = self._seqs[number]
        time_ = START + timedelta(seconds=self.drawn.randrange(SPREAD_S))
        draft = _alarm(seq, time_)
        gateway, site = gateway_name(number), site_name(number)
        event = build_event(
            site=site,
            gateway=gateway,
            epoch=EPOCH,
            lane=draft.lane,
            seq=seq,
            time=draft.time,
            clock=ClockState.SYNCED,
            data=draft.data,
        )
        payload = encode(event)
        words = f"{rule_name(seq)} {Phase.RAISED}"
        self.accepted.append(Accepted(gateway, EPOCH, Lane.ALARM, seq, words))
        return Arrival(
            topic=up(site, gateway, Lane.ALARM),
            payload=payload,
            retained=False,
            arrived_ms=self.bench.clock.now_ms,
            arrived_s=self.bench.clock.monotonic_s(),
            size_bytes=len(payload),
        )


def kill_linkers(folder: Path, database: str, plan: Plan) -> Outcome:
    """Eight linkers over one database; the address is PostgreSQL's."""
    drawn, began_s = Random(plan.seed), time.monotonic()
    clock = TurnedClock()
    clock.at_s = SPREAD_S + 1.0
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(open_database(database, clock)))
        add_sites(store, to_ms(clock.now()))
        fed = Fed(Bench(store, clock), drawn)
        linkers = [
            stack.enter_context(Child(f"linker_{n}", folder, linker_process.main))
            for n in range(LINKERS)
        ]
        for linker in linkers:
            linker.start(LinkerTask(database))
        ends = kill_while_feeding(fed, linkers, plan, drawn, LinkerTask(database))
        wait_until(lambda: is_linked(store), LINK_S, what="all sites are linked")
        for linker in linkers:
            linker.kill()
            assert not linker.trouble(), linker.trouble()
        both = overlaps(claims(linkers, ends))
        counts = count(store, fed.accepted) + Counts(0, both, 0)
    return Outcome(plan=plan, counts=counts, took_s=time.monotonic() - began_s, moments={})


def add_sites(database: Database, now_ms: int) -> None:
    """Every site's file."""
    with database.transaction() as tx:
        for number in range(1, SITES + 1):
            sites.add(tx, decode_site(site_tree(number)), now_ms)


def kill_while_feeding(
    fed: Fed, linkers: list[Child], plan: Plan, drawn: Random, task: LinkerTask
) -> dict[tuple[str, int], float]:
    """Feed, kill, start again; when (monotonic) each killed life of a linker was over."""
    ends: dict[tuple[str, int], float] = {}
    pause = threading.Event()
    for kill in range(1, plan.kills + 1):
        fed.feed(plan.rows * kill // plan.kills - len(fed.accepted))
        pause.wait(drawn.uniform(0.0, 0.2))
        linker = drawn.choice(linkers)
        # Its locks may be free before we see it dead.
        ends[linker.name, linker.lives] = time.monotonic()
        linker.kill()
        linker.start(task)
    return ends


@dataclass(frozen=True, slots=True)
class Claim:
    """A site in the hands of one linker, in monotonic seconds."""

    site: str
    from_s: float
    to_s: float


def claims(linkers: Iterable[Child], ends: dict[tuple[str, int], float]) -> Iterator[Claim]:
    """What the linkers said they claimed. A claim that was not left ended with the life."""
    for linker in linkers:
        for life in range(1, linker.lives + 1):
            open_: tuple[float, list[str]] | None = None
            for line in linker.lines(life):
                kind, *rest = line.split()
                if kind == "claims":
                    open_ = (float(rest[0]), rest[1:])
                elif kind == "leaves" and open_ is not None:
                    yield from (Claim(site, open_[0], float(rest[0])) for site in open_[1])
                    open_ = None
            if open_ is not None:
                end_s = ends.get((linker.name, life), float("inf"))
                yield from (Claim(site, open_[0], end_s) for site in open_[1])


def overlaps(found: Iterable[Claim]) -> int:
    """How often a site was in two hands at once."""
    of_site: dict[str, list[Claim]] = defaultdict(list)
    for claim in found:
        of_site[claim.site].append(claim)
    both = 0
    for mine in of_site.values():
        mine.sort(key=lambda c: c.from_s)
        both += sum(later.from_s < earlier.to_s for earlier, later in pairwise(mine))
    return both


def _alarm(number: int, time_: datetime) -> Draft:
    shed = number % BUSY_SHEDS
    data = HazardData(
        hazard=number,
        phase=Phase.RAISED,
        kind=HazardKind.FIRE_SMOKE,
        zone=f"shed_{shed}",
        device=f"smoke_{shed}",
        rule=rule_name(number),
        grade=3,
        confidence=20,
        confirm_s=0,
        armed=True,
        drill=False,
    )
    return Draft(Lane.ALARM, time_, data)
