"""A cheap publisher in a process of its own: `python -m gatehouse_testing.load.publisher PORT FILE [--rate R] …`.

Packets are encoded before the start. It says READY, starts at the first line of its input, and ends with one line of JSON:
{"began", "ended"} by CLOCK_MONOTONIC, which all processes of a machine share. As fast as it may, or paced at R messages a second.

Bounds  WINDOW messages a connection wait for their PUBACK.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gatehouse_hub.simulate import packets

WINDOW = 50
NUMBERS = 60_000
DONE_S = 300.0


@dataclass(slots=True)
class Connection:
    """One connection to the broker, its packets, and what is on its way."""

    sock: socket.socket
    waiting: deque[bytes]
    reader: packets.Reader = field(default_factory=packets.Reader)
    rest: bytes = b""
    on_way: int = 0

    def pump(self, allowed: int) -> int:
        """Send what the window and `allowed` let pass; how many messages were started."""
        started = 0
        if not self.rest:
            chosen: list[bytes] = []
            while self.waiting and self.on_way < WINDOW and started < allowed:
                chosen.append(self.waiting.popleft())
                self.on_way += 1
                started += 1
            self.rest = b"".join(chosen)
        if self.rest:
            with contextlib.suppress(BlockingIOError):
                self.rest = self.rest[self.sock.send(self.rest) :]
        return started

    def drain(self) -> None:
        """Take what the broker says."""
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionError("the broker went away")
        self.on_way -= sum(isinstance(p, packets.Taken) for p in self.reader.feed(data))


def open_connection(port: int, number: int) -> socket.socket:
    """A connected and accepted socket."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(packets.connect(f"load-{number}-{time.monotonic_ns()}", keepalive_s=0))
    answer = packets.Reader().feed(sock.recv(64))
    if answer != [packets.Connected(0)]:
        raise ConnectionError(f"the broker refuses: {answer}")
    sock.setblocking(False)
    return sock


def run(connections: list[Connection], rate: float | None) -> tuple[float, float]:
    """Send everything; when it began and when the last PUBACK came."""
    total = sum(len(c.waiting) for c in connections)
    began = time.monotonic()
    sent, turn = 0, 0
    with selectors.DefaultSelector() as selector:
        for c in connections:
            selector.register(c.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, c)
        while any(c.waiting or c.rest or c.on_way for c in connections):
            now = time.monotonic()
            if now - began > DONE_S:
                raise TimeoutError("the broker takes no more")
            allowed = total if rate is None else int((now - began) * rate) + 1 - sent
            turn += 1
            for c in (
                connections[turn % len(connections) :] + connections[: turn % len(connections)]
            ):
                if c.rest or (c.waiting and c.on_way < WINDOW and allowed > 0):
                    started = c.pump(allowed)
                    sent, allowed = sent + started, allowed - started
                busy = bool(c.rest)
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if busy else 0)
                selector.modify(c.sock, wanted, c)
            pause = 1.0 if rate is None else max(0.0, began + sent / rate - time.monotonic())
            for key, events in selector.select(min(pause, 1.0)):
                if events & selectors.EVENT_READ:
                    key.data.drain()
    return began, time.monotonic()


def main() -> None:
    """Read, connect, wait, send, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    messages = msgspec.msgpack.decode(options.file.read_bytes(), type=list[tuple[str, bytes]])
    connections = [
        Connection(open_connection(options.port, n), deque()) for n in range(options.connections)
    ]
    # A gateway stays on its connection: its messages must not overtake each other.
    homes: dict[str, int] = {}
    for number, (topic, payload) in enumerate(messages):
        home = homes.setdefault(topic.split("/")[3], len(homes) % len(connections))
        packet = packets.publish(topic, payload, number % NUMBERS + 1)
        connections[home].waiting.append(packet)
    print("READY", flush=True)
    sys.stdin.readline()
    began, ended = run(connections, options.rate)
    print(json.dumps({"began": began, "ended": ended}), flush=True)


@dataclass(slots=True)
class Publisher:
    """The other end: a publisher process that is ready to go."""

    process: subprocess.Popen[str]

    @classmethod
    def prepare(cls, port: int, file: Path, rate: float | None = None) -> Publisher:
        """Start it and wait until it is ready."""
        argv = [sys.executable, "-m", "gatehouse_testing.load.publisher", str(port), str(file)]
        if rate is not None:
            argv += ["--rate", str(rate)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        if process.stdout.readline().strip() != "READY":
            raise RuntimeError("the publisher did not start")
        return cls(process)

    def go(self) -> float:
        """Let it start; when that was."""
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return time.monotonic()

    def done(self) -> tuple[float, float]:
        """Wait for its end; when it began and ended."""
        assert self.process.stdout
        assert self.process.stdin
        told = json.loads(self.process.stdout.readline())
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        return told["began"], told["ended"]


if __name__ == "__main__":
    main()
