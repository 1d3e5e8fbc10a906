"""What the outbox costs: `./dev bench outbox`. Needs mosquitto.

Flash     ten events a second for ten minutes, acknowledged five times a second and tidied every 5 s, in steps that nobody waits
          for: syncs a second of that time, and bytes written an event; once as the agent commits, once each event by itself. A
          day of a gateway at which nothing happens: health of four cameras and the gateway every 5 min.
Rows      appended in commits of 50, and drained through the courier into a connection that takes everything and a hub that
          acknowledges at once: processor time a row.
Client    the same rows through the real connection to a real broker, 50 a message and one a message, to the last PUBACK.
Full      opening a file of 64 MiB with its quick check; memory of a courier with 100,000 rows waiting, window full; the longest
          call of `tidy` while 100,000 rows of counts are merged.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.outbox.bounds import Limits
from gatehouse_edge.outbox.drafts import draft_gateway
from gatehouse_edge.outbox.store import Outbox
from gatehouse_edge.ports import Puback
from gatehouse_edge.transport.mqtt import Address, Identity, MqttLink, Pace
from gatehouse_edge.values import Draft, GatewayLoad
from gatehouse_shared.commands import Ack
from gatehouse_shared.events import ClockState, CountData
from gatehouse_shared.instants import format_instant
from gatehouse_shared.names import Label, Lane
from gatehouse_shared.topics import down, up
from gatehouse_shared.wire import encode
from gatehouse_testing.broker import mosquitto
from gatehouse_testing.counted_disk import counted_disk
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.gateway_parts import START, Gateway, gas, open_in
from gatehouse_testing.usage import heap_mib
from gatehouse_testing.waiting import wait_until

KIB, MIB = 1024.0, 1024.0 * 1024.0
HUGE: Final = Limits(max_rows=10_000_000, max_mib=4_096)
RATE, MINUTES = 10, 10
WAITING = 100_000
MERGED_ROWS = 100_000
CLIENT_ROWS = 3_000


def figures() -> dict[str, Figure]:
    """All of them."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-bench-outbox-"))
    try:
        return {
            **_flash(folder),
            **_idle(folder),
            **_rows(folder),
            **_client(folder),
            **_opening(folder),
            **_memory(folder),
            **_merging(folder),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _flash(folder: Path) -> dict[str, Figure]:
    paced = _written(folder / "flash", at_once=5)
    single = _written(folder / "single", at_once=100)
    how = f"{RATE} events a second for {MINUTES} min as the agent commits: 5 % alarms at once, the rest by the second"
    worst = f"{RATE} events a second for {MINUTES} min, each its own commit"
    return {
        "syncs_per_s": _most(paced[0], "1/s", 10.0, how),
        "written_per_event": _most(paced[1], "KiB", 12.0, f"{how}; asked of the system"),
        "to_disk_per_event": _most(paced[2], "KiB", 12.0, f"{how}; /proc/self/io"),
        "single_syncs_per_s": _plain(single[0], "1/s", worst),
        "single_written_per_event": _plain(single[1], "KiB", f"{worst}; asked of the system"),
        "single_to_disk_per_event": _plain(single[2], "KiB", f"{worst}; /proc/self/io"),
    }


def _written(folder: Path, *, at_once: int) -> tuple[float, float, float]:
    """Syncs a second, KiB an event asked of the system, and KiB an event that went to the disk. `at_once` percent do not wait."""
    events = RATE * MINUTES * 60
    drawn = random.Random(5)
    waiting: list[Draft] = []
    with counted_disk() as disk:
        outbox = _new(folder)
        disk.written = disk.syncs = 0
        before = _bytes_to_disk()
        for number in range(1, events + 1):
            now = START + timedelta(seconds=number / RATE)
            waiting.append(gas(number, now))
            if drawn.randrange(100) < at_once or number % RATE == 0:
                outbox.append(waiting, {}, now, ClockState.SYNCED)
                waiting.clear()
            if number % 2 == 0:
                outbox.ack(outbox.epoch, {Lane.BULK: number}, now)
            if number % (5 * RATE) == 0:
                outbox.tidy(now)
        to_disk = _bytes_to_disk() - before
        syncs, written = disk.syncs, disk.written
        outbox.close()
    return syncs / (MINUTES * 60), written / events / KIB, to_disk / events / KIB


def _idle(folder: Path) -> dict[str, Figure]:
    load = GatewayLoad(0.2, 0.4, 0.3, 0, 0.0)
    with counted_disk() as disk:
        outbox = _new(folder / "idle")
        disk.written = 0
        for second in range(0, 86_400, 5):
            now = START + timedelta(seconds=second)
            if second % 300 == 0:
                outbox.append([draft_gateway(load, now)] * 5, {}, now, ClockState.SYNCED)
                outbox.ack(outbox.epoch, {Lane.BULK: outbox.next_seq(Lane.BULK) - 1}, now)
            outbox.tidy(now)
        written = disk.written
        outbox.close()
    how = "288 times five health rows, their acknowledgements, a tidy every 5 s"
    return {"idle_per_day": _most(written / MIB, "MiB", 50.0, how)}


def _rows(folder: Path) -> dict[str, Figure]:
    count = 50_000
    gateway = Gateway(_made(folder / "rows"), limits=HUGE)
    started = time.perf_counter()
    for start in range(0, count, 50):
        drafts = [gas(n, START) for n in range(start, start + 50)]
        gateway.outbox.append(drafts, {}, START, ClockState.SYNCED)
    append_s = time.perf_counter() - started
    gateway.link.connect()
    started = time.process_time()
    upto = 0
    while upto < count:
        gateway.wait(0.2)
        gateway.step()
        upto = max(upto, gateway.outbox._on_wire.get((gateway.outbox.epoch, Lane.BULK), 0))
        gateway.link.out.clear()
        gateway.link.puback_all()
        gateway.link.hear(*_ack(gateway, upto))
    gateway.step()
    drain_s = time.process_time() - started
    assert gateway.outbox.load.rows == 0
    gateway.stop()
    return {
        "append_rows_per_s": _plain(count / append_s, "1/s", f"{count} rows, 50 a commit, FULL"),
        "drain_cpu_per_row": _plain(drain_s / count * 1e6, "us", f"{count} rows, courier alone"),
    }


def _ack(gateway: Gateway, upto: int) -> tuple[str, bytes]:
    ack = Ack(
        boot=gateway.courier._names.boot,
        epoch=gateway.outbox.epoch,
        alarm=0,
        bulk=upto,
        hub_time=format_instant(gateway.clock.now()),
    )
    return down("riverside", "gw_1", "ack"), encode(ack)


def _client(folder: Path) -> dict[str, Figure]:
    outbox = _new(folder / "client")
    for start in range(0, CLIENT_ROWS, 50):
        drafts = [gas(n, START) for n in range(start, start + 50)]
        outbox.append(drafts, {}, START, ClockState.SYNCED)
    with mosquitto(folder / "mosquitto") as broker:
        woken = threading.Event()
        link = MqttLink(
            Address("127.0.0.1", broker.port),
            Identity("gw_1", down("riverside", "gw_1", "#"), lambda _: ("will", b"")),
            SystemClock(trusted=True),
            random.random,
            pace=Pace(spread_s=0.1),
            wake=woken.set,
        )
        wait_until(lambda: link.poll() and link.up)
        singles = min(_published(link, outbox, 1, woken) for _ in range(3))
        batches = min(_published(link, outbox, 50, woken) for _ in range(3))
        link.close()
    outbox.close()
    how = f"{CLIENT_ROWS} rows from the file to the last PUBACK, best of 3"
    ratio = singles / batches
    return {
        "client_batches_rows_per_s": _plain(CLIENT_ROWS / batches, "1/s", how),
        "client_singles_rows_per_s": _plain(CLIENT_ROWS / singles, "1/s", how),
        "client_batch_ratio": {
            "value": ratio,
            "unit": "x",
            "goal": ">= 10",
            "met": ratio >= 10,
            "how": "50 rows a message against one",
        },
    }


def _published(link: MqttLink, outbox: Outbox, size: int, woken: threading.Event) -> float:
    topic = up("riverside", "gw_1", "bulk")
    started = time.perf_counter()
    after = waiting = 0
    while after < CLIENT_ROWS or waiting:
        waiting -= sum(isinstance(event, Puback) for event in link.poll())
        while after < CLIENT_ROWS and link.places:
            rows = outbox.waiting(outbox.epoch, Lane.BULK, after, size, 10**9)
            payloads = [row.payload for row in rows]
            link.publish(topic, payloads[0] if size == 1 else b"[" + b",".join(payloads) + b"]")
            after, waiting = rows[-1].upto, waiting + 1
        woken.wait(0.1)
        woken.clear()
    return time.perf_counter() - started


def _opening(folder: Path) -> dict[str, Figure]:
    path = folder / "opening"
    outbox = _new(path)
    rows = 0
    while (path / "outbox.db").stat().st_size < 64 * MIB:
        outbox.append([gas(n, START) for n in range(1_000)], {}, START, ClockState.SYNCED)
        outbox.tidy(START)
        rows += 1_000
    outbox.close()
    started = time.perf_counter()
    open_in(path, itertools.count(9), HUGE).close()
    how = f"{rows} rows, 64 MiB, quick check and count"
    return {"open_64_mib": _most(time.perf_counter() - started, "s", 2.0, how)}


def _memory(folder: Path) -> dict[str, Figure]:
    _new(folder / "memory").close()
    context = multiprocessing.get_context("fork")
    parent, child = context.Pipe()
    process = context.Process(target=_hold, args=(folder / "memory", child))
    process.start()
    grown = parent.recv()
    process.join()
    how = f"{WAITING} rows waiting, window full, 1,000 turns; private memory above that of the process with its modules"
    return {"transport_memory": _most(grown, "MiB", 32.0, how)}


def _hold(folder: Path, told: Any) -> None:
    me = [multiprocessing.current_process().pid or 0]
    before = heap_mib(me)
    gateway = Gateway(folder, limits=HUGE)
    for _ in range(WAITING // 1_000):
        gateway.append_bulk(1_000)
    gateway.link.connect()
    for _ in range(1_000):
        gateway.wait(1.0)
        gateway.step()
        gateway.link.out.clear()
        gateway.link.puback_all()
    told.send(heap_mib(me) - before)
    gateway.stop()


def _merging(folder: Path) -> dict[str, Figure]:
    path = folder / "merging"
    outbox = _new(path)
    last = _fill_counts(outbox, MERGED_ROWS)
    before = outbox.load.rows
    outbox.close()
    outbox = open_in(path, itertools.count(9), Limits(max_rows=MERGED_ROWS, max_mib=4_096))
    longest, calls, rows = 0.0, 0, -1
    started = time.perf_counter()
    while rows != outbox.load.rows or calls % 60:
        rows = outbox.load.rows
        longest = max(longest, _timed(lambda: outbox.tidy(last + timedelta(hours=1))))
        calls += 1
    total = time.perf_counter() - started
    after = outbox.load.rows
    outbox.close()
    how = f"{before} waiting count rows, bound {MERGED_ROWS}, merged until half"
    return {
        "merge_longest_call": _most(longest * 1000, "ms", 250.0, f"{how}; {calls} calls of tidy"),
        "merge_rows_left": _plain(after / before, "share", f"{how}; {total:.1f} s in all"),
    }


def _fill_counts(outbox: Outbox, rows: int) -> datetime:
    """Minutes of forty series, some of them busy."""
    now = START
    while outbox.next_seq(Lane.BULK) <= rows:
        drafts = [_count(f"cam_{n}", n, now) for n in range(40)]
        outbox.append(drafts, {}, now + timedelta(minutes=1), ClockState.SYNCED)
        now += timedelta(minutes=1)
    return now


def _count(device: str, number: int, start: datetime) -> Draft:
    data = CountData(
        zone=f"zone_{number}",
        device=device,
        label=Label.PERSON,
        window_s=60,
        mean=10 + number,
        max=20 + number,
        coverage=20,
        quality=20,
    )
    return Draft(Lane.BULK, start, data)


def _new(folder: Path) -> Outbox:
    return open_in(_made(folder), itertools.count(1), HUGE)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _timed(job: Callable[[], None]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def _bytes_to_disk() -> int:
    """What this process has had written to block devices."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def _most(value: float, unit: str, limit: float, how: str) -> Figure:
    return {
        "value": value,
        "unit": unit,
        "goal": f"<= {limit:g}",
        "met": value <= limit,
        "how": how,
    }


def _plain(value: float, unit: str, how: str) -> Figure:
    return {"value": value, "unit": unit, "goal": None, "met": None, "how": how}
