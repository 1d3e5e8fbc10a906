"""The loop to hold the hub against: subscribe, typed decode, insert, commit, acknowledge; nothing else.

    python -m gatehouse_testing.load.bare --engine pg|sqlite --client paho|raw --broker PORT --database URL --table T --expect N

Group commit without linger: whatever waits, at most ROWS_MAX rows, is one commit; each message's PUBACK follows it. No key of
ours, no hash, no checks, no quarantine, no progress, no hazards, no linking, no API. It says READY, and ends with
{"done": when the last row was committed} after N rows.

paho    3.1.1 with manual acknowledgement: its own thread receives, the main thread commits
raw     a blocking socket and our own parser, one thread
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import apsw
import msgspec
import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gatehouse_hub.simulate import packets

ROWS_MAX = 1_000
TOPIC = "gatehouse/v1/+/+/up/+"
COLUMNS = "id, source, epoch, lane, seq, subject, type, time, payload"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, source TEXT NOT NULL, epoch TEXT NOT NULL,"
    " lane TEXT NOT NULL, seq BIGINT NOT NULL, subject TEXT NOT NULL, type TEXT NOT NULL,"
    " time TEXT NOT NULL, payload TEXT NOT NULL)"
)
INDEX = "CREATE INDEX IF NOT EXISTS {table}_when ON {table} (source, time)"


class Payload(msgspec.Struct):
    """The payload's fields of any kind, typed but not checked."""

    device: str | None = None
    zone: str | None = None
    line: str | None = None
    label: str | None = None
    kind: str | None = None
    phase: str | None = None
    quantity: str | None = None
    mean: int | str | None = None
    max: int | str | None = None
    value: int | None = None


class Event(msgspec.Struct):
    """An envelope, typed but not checked."""

    id: str
    source: str
    subject: str
    time: str
    epoch: str
    lane: str
    seq: int
    type: str
    data: Payload


Rows = list[tuple[object, ...]]
Commit = Callable[[Rows], None]
_ONE, _MANY = msgspec.json.Decoder(Event), msgspec.json.Decoder(list[Event])
_RAW = msgspec.json.Decoder(list[msgspec.Raw])


def read(payload: bytes) -> Rows:
    """The rows of one message, as the table takes them."""
    if payload.startswith(b"["):
        events, raws = _MANY.decode(payload), [bytes(raw) for raw in _RAW.decode(payload)]
    else:
        events, raws = [_ONE.decode(payload)], [payload]
    return [
        (e.id, e.source, e.epoch, e.lane, e.seq, e.subject, e.type, e.time, raw.decode())
        for e, raw in zip(events, raws, strict=True)
    ]


def postgres(url: str, table: str) -> Commit:
    """One statement with one JSON parameter, committed."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=3)
    connection.execute("SET synchronous_commit TO on")
    connection.execute(SCHEMA.format(table=table).encode())
    connection.execute(INDEX.format(table=table).encode())
    names = COLUMNS.split(", ")
    sql = (
        f"INSERT INTO {table} ({COLUMNS}) SELECT {COLUMNS}"
        f" FROM json_populate_recordset(NULL::{table}, %s::json) ON CONFLICT DO NOTHING"
    ).encode()
    encode = msgspec.json.Encoder().encode

    def commit(rows: Rows) -> None:
        connection.execute(
            sql, (encode([dict(zip(names, r, strict=True)) for r in rows]).decode(),)
        )

    return commit


def sqlite(path: str, table: str) -> Commit:
    """One transaction of prepared inserts, WAL and FULL."""
    connection = apsw.Connection(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(SCHEMA.format(table=table))
    connection.execute(INDEX.format(table=table))
    sql = (
        f"INSERT INTO {table} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    )

    def commit(rows: Rows) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, rows)
        connection.execute("COMMIT")

    return commit


def run_paho(port: int, commit: Commit, expect: int) -> float:
    """Receive in paho's thread, commit here; when the last row was committed."""
    came: queue.SimpleQueue[paho.MQTTMessage] = queue.SimpleQueue()
    ready: queue.SimpleQueue[bool] = queue.SimpleQueue()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311, manual_ack=True
    )
    client.on_message = lambda _client, _data, message: came.put(message)
    client.on_subscribe = lambda *_: ready.put(True)
    client.connect("127.0.0.1", port)
    client.subscribe(TOPIC, 1)
    client.loop_start()
    ready.get()
    print("READY", flush=True)
    committed, at = 0, 0.0
    while committed < expect:
        taken = [came.get()]
        rows = read(bytes(taken[0].payload))
        with contextlib.suppress(queue.Empty):
            while len(rows) < ROWS_MAX:
                message = came.get_nowait()
                taken.append(message)
                rows += read(bytes(message.payload))
        commit(rows)
        at = time.monotonic()
        committed += len(rows)
        for message in taken:
            client.ack(message.mid, 1)
    client.disconnect()
    client.loop_stop()
    return at


def run_raw(port: int, commit: Commit, expect: int) -> float:
    """Receive, commit and acknowledge in one thread; when the last row was committed."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader = packets.Reader()
    sock.sendall(packets.connect(f"bare-{time.monotonic_ns()}", keepalive_s=0))
    sock.sendall(packets.subscribe(1, (TOPIC,)))
    waiting: list[packets.Published] = []
    while not any(isinstance(p, packets.Subscribed) for p in reader.feed(sock.recv(65_536))):
        pass
    print("READY", flush=True)
    committed, at = 0, 0.0
    while committed < expect:
        found = reader.feed(sock.recv(1_048_576))
        waiting += [p for p in found if isinstance(p, packets.Published)]
        for taken, rows in groups(waiting):
            commit(rows)
            at = time.monotonic()
            committed += len(rows)
            sock.sendall(b"".join(packets.puback(m.number) for m in taken if m.number is not None))
        waiting = []
    sock.close()
    return at


def groups(waiting: Sequence[packets.Published]) -> Iterator[tuple[list[packets.Published], Rows]]:
    """Messages and their rows, at most ROWS_MAX rows a group."""
    taken: list[packets.Published] = []
    rows: Rows = []
    for message in waiting:
        taken.append(message)
        rows += read(message.payload)
        if len(rows) >= ROWS_MAX:
            yield taken, rows
            taken, rows = [], []
    if taken:
        yield taken, rows


def main() -> None:
    """Run until the expected rows are committed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("pg", "sqlite"), required=True)
    parser.add_argument("--client", choices=("paho", "raw"), required=True)
    parser.add_argument("--broker", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--table", default="bare_event")
    parser.add_argument("--expect", type=int, required=True)
    options = parser.parse_args()
    opened = postgres if options.engine == "pg" else sqlite
    commit = opened(options.database, options.table)
    loop = run_paho if options.client == "paho" else run_raw
    began_cpu_s = time.process_time()
    at = loop(options.broker, commit, options.expect)
    print(json.dumps({"done": at, "cpu_s": time.process_time() - began_cpu_s}), flush=True)


@dataclass(slots=True)
class Bare:
    """The other end: a bare loop in a process of its own that listens."""

    process: subprocess.Popen[str]

    @classmethod
    def listen(cls, engine: str, client: str, broker: int, database: str, expect: int) -> Bare:
        """Start it and wait until it has subscribed."""
        argv = [sys.executable, "-m", "gatehouse_testing.load.bare", "--engine", engine]
        argv += ["--client", client, "--broker", str(broker), "--database", database]
        argv += ["--expect", str(expect)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        if process.stdout.readline().strip() != "READY":
            raise RuntimeError("the bare loop did not start")
        return cls(process)

    def done(self) -> tuple[float, float]:
        """Wait for its end; when the last row was committed, and the processor seconds it took."""
        assert self.process.stdout
        told = json.loads(self.process.stdout.readline())
        self.process.wait(10)
        self.process.stdout.close()
        return float(told["done"]), float(told["cpu_s"])


if __name__ == "__main__":
    main()
