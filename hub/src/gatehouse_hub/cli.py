"""`gatehouse-hub`: serve, replay, and what an administrator of the machine needs.

Exit codes  0 done · 1 something was found or refused · 2 a mistake in the call or a file, said in one sentence.
"""

import argparse
import csv
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from gatehouse_hub import app
from gatehouse_hub.api.accounts import reset_password
from gatehouse_hub.clock import SystemClock
from gatehouse_hub.config import HubConfig, choose_roles, load_config, load_site, read_yaml
from gatehouse_hub.errors import HubError
from gatehouse_hub.fusion.recorded import fuse_recorded
from gatehouse_hub.ingest.retrying import RetryOutcome, retry
from gatehouse_hub.linking.mapped import parse_map, read_log, score_log
from gatehouse_hub.linking.released import released_weights
from gatehouse_hub.linking.replay import replay
from gatehouse_hub.pipeline import Role
from gatehouse_hub.ports import Database
from gatehouse_hub.simulate import cli as simulate_cli
from gatehouse_hub.store import quarantine, sites
from gatehouse_hub.store.database import open_database
from gatehouse_shared.errors import WireError
from gatehouse_shared.instants import format_instant, from_ms, to_ms
from gatehouse_shared.names import HazardClass
from gatehouse_shared.offline import OfflineRow, decode_line
from gatehouse_shared.site import Site
from gatehouse_shared.topics import out

DEFAULT_CONFIG: Final = Path("hub.yaml")
LIST_MAX: Final = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except HubError as error:
        print(f"gatehouse-hub: {error}", file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = argparse.ArgumentParser(prog="gatehouse-hub", description="The hub of Gatehouse.")
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, help="default: hub.yaml here"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serving = _bind(
        commands.add_parser("serve", help="run the hub: ingest, linker, API and console"), _serve
    )
    serving.add_argument(
        "--roles",
        type=_read_roles,
        metavar="ROLE,...",
        help=f"what this process does, of {','.join(Role)} (default: as configured, else all)",
    )
    serving.add_argument(
        "--port", type=int, help="where it answers HTTP, instead of http.port; 0 takes a free one"
    )
    replaying = _bind(
        commands.add_parser("replay", help="link recorded events into incidents"), _replay
    )
    replaying.add_argument("events", type=Path, help="one event a line, in any order")
    replaying.add_argument("--site", type=Path, help="the site file")
    replaying.add_argument("--out", type=Path, help="incidents, one a line")
    replaying.add_argument(
        "--map",
        type=Path,
        help="instead of --site: how to read another system's log (CSV or JSONL)",
    )
    replaying.add_argument("--truth", help="with --map: the column that says what belongs together")
    fusing = _bind(commands.add_parser("fuse", help="occupancy of recorded events"), _fuse)
    fusing.add_argument("events", type=Path, help="one event a line, in any order")
    fusing.add_argument("--site", type=Path, required=True, help="the site file")
    fusing.add_argument("--out", type=Path, required=True, help="one line a zone and minute")
    simulating = commands.add_parser("simulate", help="a fleet that speaks to a broker")
    simulate_cli.add_arguments(_bind(simulating, simulate_cli.run))
    held = commands.add_parser("quarantine", help="what was refused").add_subparsers(
        required=True, metavar="ACTION"
    )
    listing = _bind(held.add_parser("list", help="newest first"), _list_quarantine)
    listing.add_argument("--gateway")
    listing.add_argument("--limit", type=int, default=LIST_MAX)
    trying = _bind(
        held.add_parser("retry", help="judge entries again, as the site files are now"),
        _retry_quarantine,
    )
    trying.add_argument("--gateway")
    trying.add_argument("--number", type=int)
    places = commands.add_parser("site", help="site files").add_subparsers(
        required=True, metavar="ACTION"
    )
    adding = _bind(places.add_parser("add", help="make a site file the one that holds"), _add_site)
    adding.add_argument("file", type=Path)
    telling = _bind(commands.add_parser("topics", help="what to subscribe to for a site"), _topics)
    telling.add_argument("site")
    people = commands.add_parser("user", help="people").add_subparsers(
        required=True, metavar="ACTION"
    )
    resetting = _bind(
        people.add_parser("reset", help="give a user a new one-time password"), _reset_user
    )
    resetting.add_argument("name")
    return parser


def _bind(
    parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser.set_defaults(command=command)
    return parser


def _open(arguments: argparse.Namespace) -> tuple[HubConfig, Database]:
    config = load_config(arguments.config)
    return config, open_database(config.database, SystemClock())


def _serve(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config)
    if arguments.roles is not None:
        config = choose_roles(config, arguments.roles)
    if arguments.port is not None:
        config = replace(config, binding=replace(config.binding, port=arguments.port))
    app.serve(config)
    return 0


def _read_roles(text: str) -> frozenset[Role]:
    try:
        return frozenset(Role(name.strip()) for name in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {','.join(Role)}") from None


def _replay(arguments: argparse.Namespace) -> int:
    if arguments.map is not None:
        return _score_log(arguments)
    if arguments.site is None or arguments.out is None:
        raise HubError(
            "the site file and --out are needed", place="replay", remedy="Or give --map and --truth"
        )
    return _over_recorded(arguments, replay)


def _score_log(arguments: argparse.Namespace) -> int:
    """Link another system's log and print how well that agrees with its truth."""
    if arguments.truth is None or arguments.site is not None or arguments.out is not None:
        raise HubError("--map goes with --truth, and with neither --site nor --out", place="replay")
    alert_map = parse_map(read_yaml(arguments.map, "mapping"))
    try:
        with arguments.events.open(encoding="utf-8", newline="") as file:
            log = read_log(_records(arguments.events, file), alert_map, arguments.truth)
    except (OSError, UnicodeDecodeError, csv.Error, msgspec.DecodeError) as error:
        raise HubError(f"cannot read: {error}", place=str(arguments.events)) from None
    print(msgspec.json.encode(score_log(log, released_weights())).decode())
    return 0


def _records(path: Path, file: TextIO) -> Iterable[Mapping[str, Any]]:
    """One mapping of columns a record: of a CSV with a head line, or of one JSON object a line."""
    if path.suffix.lower() == ".csv":
        return csv.DictReader(file)
    return (msgspec.json.decode(line, type=dict[str, Any]) for line in file if line.strip())


def _fuse(arguments: argparse.Namespace) -> int:
    return _over_recorded(arguments, fuse_recorded)


def _over_recorded(
    arguments: argparse.Namespace, work: Callable[[Iterable[OfflineRow], Site], Iterable[object]]
) -> int:
    """Read events, write what `work` makes of them, one a line; name every line that was refused."""
    site = load_site(arguments.site)
    rows, refused = _read_events(arguments.events)
    with arguments.out.open("wb") as file:
        for made in work(rows, site):
            file.write(msgspec.json.encode(made) + b"\n")
    for line, reason in refused:
        print(f"{arguments.events}, line {line}: {reason}", file=sys.stderr)
    return 1 if refused else 0


def _read_events(path: Path) -> tuple[list[OfflineRow], list[tuple[int, str]]]:
    rows: list[OfflineRow] = []
    refused: list[tuple[int, str]] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    rows.append(decode_line(line.strip()))
                except WireError as error:
                    refused.append((number, str(error)))
    except OSError as error:
        raise HubError(
            f"cannot read: {error.strerror}", place=str(path), remedy="Check the path"
        ) from None
    return rows, refused


def _list_quarantine(arguments: argparse.Namespace) -> int:
    _, database = _open(arguments)
    with database.snapshot() as tx:
        entries = quarantine.load_newest(
            tx, gateway=arguments.gateway, before=None, limit=arguments.limit
        )
    for e in entries:
        row = f"{e.key.epoch}/{e.key.lane}/{e.key.seq}" if e.key else "-"
        print(
            f"{e.number}  {format_instant(from_ms(e.arrived_ms))}  {e.gateway or '-'}  {e.reason}  {row}  "
            f"{e.size_bytes} bytes  x{e.seen}  {e.message}"
        )
    database.close()
    return 0


def _retry_quarantine(arguments: argparse.Namespace) -> int:
    _, database = _open(arguments)
    found = retry(database, SystemClock(), gateway=arguments.gateway, number=arguments.number)
    for entry in found:
        print(f"{entry.number}  {entry.outcome}{f'  {entry.why}' if entry.why else ''}")
    database.close()
    return 0 if all(e.outcome is RetryOutcome.ACCEPTED for e in found) else 1


def _add_site(arguments: argparse.Namespace) -> int:
    site = load_site(arguments.file)
    _, database = _open(arguments)
    with database.transaction() as tx:
        version = sites.add(tx, site, to_ms(SystemClock().now()))
    database.close()
    print(f"{site.site}: version {version}")
    return 0


def _topics(arguments: argparse.Namespace) -> int:
    _, database = _open(arguments)
    with database.snapshot() as tx:
        site = sites.load_latest(tx, arguments.site)
    database.close()
    if site is None:
        raise HubError(
            f"there is no site {arguments.site!r}",
            place="SITE",
            remedy="Add its file: gatehouse-hub site add FILE",
        )
    print(f"{out(site.site, 'status')}\tthe site as a whole")
    print(f"{out(site.site, 'zone/+')}\tlevel of every zone")
    for hazard_class in HazardClass:
        rights = "" if hazard_class in (HazardClass.THING, HazardClass.CROWD) else " (by name only)"
        print(
            f"{out(site.site, f'{hazard_class}/incident/+')}\tincidents of class {hazard_class.upper()}{rights}"
        )
    return 0


def _reset_user(arguments: argparse.Namespace) -> int:
    _, database = _open(arguments)
    password = reset_password(database, SystemClock(), arguments.name)
    database.close()
    if password is None:
        raise HubError(
            f"there is no user {arguments.name!r}", place="NAME", remedy="Look in the console"
        )
    print(f"one-time password of {arguments.name}: {password}")
    return 0
