"""`gatehouse-hub simulate`: a fleet against a broker, and whether everything arrived.

Exit codes  0 well, or nothing was checked · 1 something was lost, doubled, unaccounted for, or did not arrive in time.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.errors import ConfigError
from gatehouse_hub.simulate.checking import check
from gatehouse_hub.simulate.fleet import Address, Fleet
from gatehouse_hub.simulate.gateway import Habits
from gatehouse_hub.simulate.places import Plot, plots, site_id, site_tree
from gatehouse_hub.simulate.trouble import CALM, Trouble
from gatehouse_hub.simulate.truth import Verdict
from gatehouse_hub.store.database import connect
from gatehouse_shared.wire import ROWS_MAX

LOOPBACK: Final = "mqtt://127.0.0.1:1883"
TELL_S: Final = 1.0
SETTLED_S: Final = 2.0
"""After the last ack the linker gets so long."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said."""
    whole = Trouble()
    add = parser.add_argument
    add("--sites", type=int, default=10, help="communities (default 10)")
    add("--gateways", type=int, default=100, help="of all sites together (default 100)")
    add("--rate", type=float, default=50.0, help="rows a second of the whole fleet (default 50)")
    add("--seed", default="1", help="the same seed sends the same rows (default 1)")
    add("--duration", type=float, default=60.0, metavar="S", help="seconds (default 60)")
    add("--drain", type=float, default=120.0, metavar="S", help="then wait so long for acks")
    add("--broker", default=LOOPBACK, metavar="URL", help=f"default {LOOPBACK}")
    add("--password-file", type=Path, help="each gateway signs in by its id with this password")
    add("--batch", type=int, default=50, help="rows a message at most (default 50)")
    add("--alarms", type=float, default=0.05, metavar="SHARE", help="alarm rows (default 0.05)")
    add("--idle", action="store_true", help="no rows: births and heartbeats only")
    add("--calm", action="store_true", help="no outages, wrong clocks, duplicates, bursts")
    add("--outages", type=float, default=whole.outages_per_h, help="a gateway and hour")
    add("--outage-s", type=float, default=whole.outage_s, help="mean length, seconds")
    add("--skewed", type=float, default=whole.skewed, metavar="SHARE", help="clocks up to 1 h off")
    add("--unsynced", type=float, default=whole.unsynced, metavar="SHARE", help="clocks not set")
    add("--duplicates", type=float, default=whole.duplicates, metavar="SHARE", help="sent twice")
    add("--bursts", type=float, default=whole.bursts_per_h, help="a gateway and hour")
    add("--check", metavar="URL", help="at the end, hold the hub's database against what was sent")
    add("--write-sites", type=Path, metavar="DIR", help="write the site files and end")
    add("--json", type=Path, metavar="FILE", help="write the result there too")


def run(arguments: argparse.Namespace) -> int:
    """Write the sites, or run the fleet."""
    try:
        fleet_plots = list(plots(arguments.sites, arguments.gateways))
    except ValueError as error:
        raise ConfigError(str(error), place="--gateways", remedy="Choose other numbers") from None
    if not 1 <= arguments.batch <= ROWS_MAX:
        raise ConfigError(
            f"{arguments.batch} rows a message", place="--batch", remedy=f"1 to {ROWS_MAX}"
        )
    if arguments.write_sites is not None:
        return _write_sites(arguments.write_sites, arguments.sites, fleet_plots)
    fleet = Fleet(
        fleet_plots,
        _address(arguments),
        SystemClock(),
        rate=0.0 if arguments.idle else arguments.rate,
        seed=arguments.seed,
        habits=_habits(arguments),
    )
    drained = asyncio.run(live(fleet, arguments.duration, arguments.drain))
    verdict = None if arguments.check is None else _check(arguments.check, fleet)
    return _conclude(fleet, drained, verdict, arguments.json)


def _write_sites(folder: Path, sites: int, fleet_plots: list[Plot]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    own: dict[str, list[Plot]] = {}
    for plot in fleet_plots:
        own.setdefault(plot.site, []).append(plot)
    print("sites:")
    for number in range(sites):
        name = site_id(number)
        path = folder / f"{name}.yaml"
        # JSON is YAML, and reads several times faster.
        path.write_text(json.dumps(site_tree(number, own[name]), ensure_ascii=False), "utf-8")
        print(f"  - {path}")
    return 0


def _address(arguments: argparse.Namespace) -> Address:
    broker: str = arguments.broker
    parts = urlsplit(broker)
    if parts.scheme != "mqtt" or not parts.hostname or parts.username or parts.password:
        raise ConfigError(
            f"the simulator speaks plain MQTT only, to mqtt://HOST:PORT: {parts.scheme or '?'}",
            place="--broker",
            remedy="Give the broker a listener without TLS for the time of the trial",
        )
    password: str | None = None
    if arguments.password_file is not None:
        try:
            password = arguments.password_file.read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"cannot read: {error.strerror}",
                place=str(arguments.password_file),
                remedy="Check the path",
            ) from None
    return Address(host=parts.hostname, port=parts.port or 1883, password=password)


def _habits(arguments: argparse.Namespace) -> Habits:
    trouble = Trouble(
        outages_per_h=arguments.outages,
        outage_s=arguments.outage_s,
        skewed=arguments.skewed,
        unsynced=arguments.unsynced,
        duplicates=arguments.duplicates,
        bursts_per_h=arguments.bursts,
    )
    return Habits(
        batch=arguments.batch,
        alarms=arguments.alarms,
        trouble=CALM if arguments.calm else replace(trouble),
    )


async def live(fleet: Fleet, duration_s: float, drain_s: float) -> bool:
    """Run, then wait until everything is acked; whether it was."""
    running = asyncio.create_task(fleet.run())
    try:
        await _watch(fleet, running, duration_s, lambda: False)
        fleet.quieten()
        drained = await _watch(fleet, running, drain_s, lambda: fleet.waiting == 0)
        if drained:
            await asyncio.sleep(SETTLED_S)
    finally:
        await fleet.stop()
        await running
    return drained


async def _watch(
    fleet: Fleet, running: asyncio.Task[None], seconds: float, done: Callable[[], bool]
) -> bool:
    """Tell how it goes until `done` or the time is over; whether it was done."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while loop.time() - began_s < seconds:
        if done():
            return True
        await asyncio.wait({running}, timeout=min(TELL_S, seconds))
        if running.done():
            running.result()
        at_s = loop.time() - began_s
        print(f"\r{at_s:5.0f} s  {_account(fleet)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return done()


def _account(fleet: Fleet) -> str:
    tally = fleet.tally
    return (
        f"{tally.connected} of {len(fleet.members)} connected, {tally.produced} rows, "
        f"{fleet.waiting} not acked, {tally.outages} outages "
    )


def _check(url: str, fleet: Fleet) -> Verdict:
    total = len(fleet.members)

    def tell(done: int) -> None:
        if done % 100 == 0 or done == total:
            print(f"\rchecked {done} of {total}", end="", file=sys.stderr, flush=True)

    database = connect(url)
    try:
        verdict = check(database, (member.gateway for member in fleet.members), tell)
    finally:
        database.close()
        print(file=sys.stderr)
    return verdict


def _conclude(fleet: Fleet, drained: bool, verdict: Verdict | None, path: Path | None) -> int:
    result: dict[str, object] = {
        **asdict(fleet.tally),
        "refused": sum(member.gateway.refused for member in fleet.members),
        "not_acked": fleet.waiting,
    }
    if verdict is not None:
        result["check"] = asdict(verdict)
        print(
            f"{verdict.rows} rows stored: lost {verdict.lost}, duplicated {verdict.duplicated}, "
            f"unaccounted {verdict.unaccounted}, invented {verdict.invented}, "
            f"altered {verdict.altered}, unlinked {verdict.unlinked}"
        )
        for example in verdict.examples:
            print(f"  {example}")
    else:
        print(_account(fleet))
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0 if drained and (verdict is None or verdict.is_well) else 1
