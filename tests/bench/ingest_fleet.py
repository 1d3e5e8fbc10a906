"""Many gateways, and one that was away for a week: `./dev bench ingest_fleet`.

idle        `gatehouse-hub simulate --idle --calm` over 500 sites: 10,000 gateways born and answering; memory of the hub (PSS, all
            processes) once all are known, and processor time of hub, broker and fleet
reconnect   the broker is killed and started again; until the hub holds every gateway's new connection
backlog     600,000 rows in the agent's own outbox, its limits raised, alarms among them; the agent as it is installed
GATEHOUSE_BENCH_GATEWAYS and GATEHOUSE_BENCH_BACKLOG set other numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import yaml

from gatehouse_hub.store.columns import integer
from gatehouse_testing.broker import Mosquitto
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.load import backlog
from gatehouse_testing.load.real import BROKER, START_S, RealHub, start_broker
from gatehouse_testing.load.rows import Community
from gatehouse_testing.load.turns import at_most, plain
from gatehouse_testing.postgres import PostgresCluster, postgres_cluster
from gatehouse_testing.usage import cpu_s, load, pss_mib
from gatehouse_testing.waiting import wait_until

GATEWAYS = int(os.environ.get("GATEHOUSE_BENCH_GATEWAYS", "10000"))
BACKLOG = int(os.environ.get("GATEHOUSE_BENCH_BACKLOG", "600000"))
SITES = max(1, GATEWAYS // 20)
ALL_S, QUIET_S = 600.0, 30.0


def figures() -> dict[str, Figure]:
    """Memory, coming back, and a week's backlog."""
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        room.chmod(0o755)
        cluster = stack.enter_context(postgres_cluster())
        return fleet(room / "fleet", cluster) | week(room / "week", cluster)


def say(words: str) -> None:
    """Show how far we are."""
    print(f"  {words}", file=sys.stderr, flush=True)


def fleet(room: Path, cluster: PostgresCluster) -> dict[str, Figure]:
    """Ten thousand gateways that do nothing but be there, and a broker that goes."""
    broker = start_broker(room / "broker")
    hub = RealHub(room / "hub", cluster.fresh(), broker, Community(SITES, GATEWAYS))
    say(f"a hub with {SITES} sites starts")
    hub.start(answering=False)
    argv = [str(Path(sys.executable).with_name("gatehouse-hub")), "simulate", "--idle", "--calm"]
    argv += ["--sites", str(SITES), "--gateways", str(GATEWAYS), "--broker", broker.url]
    with (room / "fleet.log").open("wb") as log:
        crowd = subprocess.Popen(
            [*argv, "--duration", "3600"], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        began = time.monotonic()
        until_known(hub, 1)
        born_s = time.monotonic() - began
        say(f"{GATEWAYS} gateways born in {born_s:.1f} s")
        found = idle(hub, broker, crowd, born_s)
        broker.kill()
        began = time.monotonic()
        broker.start()
        until_known(hub, 2)
        back_s = time.monotonic() - began
        say(f"{GATEWAYS} gateways back in {back_s:.1f} s")
        how = (
            f"{GATEWAYS} gateways, from the broker's start to the last new connection in the store"
        )
        return found | {
            "reconnect_10000_s": at_most(back_s, 300.0, "s", f"{how}, load {load():.1f}")
        }
    finally:
        crowd.terminate()
        crowd.wait(60)
        hub.stop()
        broker.stop()


def idle(
    hub: RealHub, broker: Mosquitto, crowd: subprocess.Popen[bytes], born_s: float
) -> dict[str, Figure]:
    """What a fleet costs that has nothing to say."""
    assert broker.process
    pids = {"hub": [p.pid for p in hub.processes.values()], "broker": [broker.process.pid]}
    pids["fleet"] = [crowd.pid]
    before = {name: sum(map(cpu_s, group)) for name, group in pids.items()}
    time.sleep(QUIET_S)
    cores = {n: (sum(map(cpu_s, group)) - before[n]) / QUIET_S for n, group in pids.items()}
    spent = ", ".join(f"{name} {used:.3f}" for name, used in cores.items())
    how = f"{GATEWAYS} gateways of {SITES} sites, births and heartbeats; cores used: {spent}"
    return {
        "idle_10000_rss_mib": at_most(hub.memory_mib(), 1536.0, "MiB", how),
        "idle_10000_hub_cores": plain(cores["hub"], "cores", how),
        "idle_10000_broker_mib": plain(pss_mib(pids["broker"]), "MiB", how),
        "idle_10000_fleet_mib": plain(pss_mib(pids["fleet"]), "MiB", how),
        "birth_10000_s": plain(
            born_s, "s", "from the fleet's start to the last birth in the store"
        ),
    }


def until_known(hub: RealHub, conn: int) -> None:
    """Wait until the store knows this connection, or a later one, of every gateway."""
    told_s = time.monotonic()

    def known() -> int:
        nonlocal told_s
        assert hub.watching
        with hub.watching.snapshot() as tx:
            rows = tx.execute(
                "SELECT COUNT(*) FROM gateway WHERE presence = 'online' AND conn >= ?", (conn,)
            )
        if time.monotonic() - told_s > 5:
            told_s = time.monotonic()
            say(f"{integer(rows[0][0])} of {GATEWAYS} known at connection {conn}")
        time.sleep(0.2)
        return integer(rows[0][0])

    wait_until(lambda: known() >= GATEWAYS, ALL_S, what="every gateway known")


def is_up(log: Path, hub: subprocess.Popen[bytes]) -> bool:
    """Whether a hub listens on both connections and serves. Raises RuntimeError when it has ended."""
    said = log.read_bytes()
    if hub.poll() is not None:
        raise RuntimeError(f"the hub ended:\n{said.decode()[-2_000:]}")
    return said.count(b"connected to") >= 2 and b"Console and API" in said


def week(room: Path, cluster: PostgresCluster) -> dict[str, Figure]:
    """A gateway's week without a hub, then with one."""
    room.mkdir()
    room.chmod(0o755)
    broker = start_broker(room / "broker")
    local = Mosquitto(room / "local", extra=BROKER).start()
    url = cluster.fresh()
    began = time.monotonic()
    rows = backlog.fill(room, url, broker, local, BACKLOG)
    say(f"outbox filled in {time.monotonic() - began:.0f} s: {rows}")
    (room / "hub.yaml").write_text(
        yaml.safe_dump(
            {
                "database": url,
                "mqtt": {"url": broker.url},
                "http": {"port": 0},
                "sites": ["site.yaml"],
            }
        )
    )
    script = Path(sys.executable).with_name("gatehouse-hub")
    with (room / "hub.log").open("wb") as log:
        hub = subprocess.Popen(
            [str(script), "--config", str(room / "hub.yaml"), "serve"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_until(lambda: is_up(room / "hub.log", hub), START_S, what="the hub")
        done = backlog.drain(room, broker, rows)
    finally:
        hub.terminate()
        hub.wait(60)
        local.stop()
        broker.stop()
    total = sum(rows.values())
    how = f"{total:,} rows, load {load():.1f}, counted from the birth"
    rate = total / done.everything_s
    return {
        "backlog_first_alarm_s": at_most(done.first_alarm_s, 5.0, "s", f"first alarm acked; {how}"),
        "backlog_alarms_s": plain(done.alarms_s, "s", f"all alarms acked; {how}"),
        "backlog_drain_s": plain(done.everything_s, "s", f"everything acked, {rate:,.0f}/s; {how}"),
    }
