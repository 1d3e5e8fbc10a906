"""`gatehouse-edge COMMAND`: run, check, analyze, rehearse, model, plugin, grid, plates, maintenance, doctor.

Exit status   0 all is well; 1 something was found or failed; 2 the command line or a configuration file is wrong.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from gatehouse_edge.errors import ConfigError, EdgeError, RuleConfigError

OK, FOUND, WRONG = 0, 1, 2
AddCommand = Callable[..., argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    arguments = build_parser().parse_args(argv)
    level = logging.DEBUG if arguments.verbose else logging.INFO
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        return int(arguments.command(arguments))
    except (ConfigError, RuleConfigError) as error:
        print(f"gatehouse-edge: {error}", file=sys.stderr)
        return WRONG
    except EdgeError as error:
        print(f"gatehouse-edge: {error}", file=sys.stderr)
        return FOUND
    except KeyboardInterrupt:
        return FOUND


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="gatehouse-edge",
        description="The agent on a gateway: it watches places, never people.",
    )
    parser.add_argument("--verbose", action="store_true", help="say more on standard error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="read cameras and sensors, and send events to the hub")
    run.add_argument("--config", type=Path, required=True, metavar="FILE")
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="check a configuration and try what it names")
    check.add_argument("--config", type=Path, required=True, metavar="FILE")
    check.add_argument(
        "--no-probe", action="store_true", help="files only: open no camera, no broker"
    )
    check.set_defaults(command=_check)

    _recording_options(commands.add_parser)

    model = commands.add_parser("model", help="list, fetch, verify or reshape models")
    model.add_argument("action", choices=("list", "pull", "verify", "reshape"))
    model.add_argument("name", nargs="?", metavar="NAME")
    model.add_argument(
        "--input",
        type=_size,
        metavar="WIDTHxHEIGHT",
        help="reshape: the new input, such as 416x256",
    )
    model.set_defaults(command=_model)

    plugin = commands.add_parser("plugin", help="hash, check or list plug-ins")
    plugin.add_argument("action", choices=("hash", "check", "list"))
    plugin.add_argument("file", nargs="?", type=Path, metavar="FILE")
    plugin.add_argument("--config", type=Path, metavar="FILE", help="for `list`")
    plugin.set_defaults(command=_plugin)

    _place_options(commands.add_parser)

    maintenance = commands.add_parser("maintenance", help="hide a rule for a while, by name")
    _add_maintenance(maintenance)

    doctor = commands.add_parser("doctor", help="look at this machine and its installation")
    doctor.add_argument("--config", type=Path, metavar="FILE")
    doctor.set_defaults(command=_doctor)
    return parser


def _add_maintenance(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    begin = actions.add_parser("begin", help="hide a rule, or all rules of a device")
    begin.add_argument("rule", nargs="?", metavar="RULE")
    begin.add_argument("--device", metavar="ID")
    begin.add_argument("--by", required=True, metavar="NAME", help="who asks for it")
    begin.add_argument("--reason", required=True, metavar="TEXT")
    begin.add_argument("--hours", type=float, required=True, metavar="H", help="at most 8")
    listed = actions.add_parser("list", help="what is hidden now")
    end = actions.add_parser("end", help="end one before its time")
    end.add_argument("id", metavar="ID")
    for action in (begin, listed, end):
        action.add_argument("--config", type=Path, required=True, metavar="FILE")
        action.set_defaults(command=_maintenance)


def _place_options(add_command: AddCommand) -> None:
    """Commands that show a place on a page of this machine."""
    grid = add_command("grid", help="draw zones, lines and metres of a camera, to check them")
    grid.add_argument("camera", metavar="CAMERA")
    grid.set_defaults(command=_grid)
    plates = add_command("plates", help="list or show the scene plates on this gateway")
    actions = plates.add_subparsers(required=True, metavar="ACTION", dest="action")
    listed = actions.add_parser("list", help="which there are")
    shown = actions.add_parser("show", help="one of them; goes on record")
    shown.add_argument("camera", metavar="CAMERA")
    shown.add_argument("number", type=int, metavar="NUMBER")
    shown.add_argument("--purpose", required=True, metavar="TEXT", help="why you look")
    for page in (grid, shown):
        page.add_argument("--minutes", type=float, default=5.0, metavar="M", help="how long (5)")
        page.add_argument(
            "--port", type=int, default=0, metavar="PORT", help="instead of a free one"
        )
    for action in (listed, shown):
        action.set_defaults(command=_plates)
    for action in (grid, listed, shown):
        action.add_argument("--config", type=Path, required=True, metavar="FILE")


def _recording_options(add_command: AddCommand) -> None:
    """Commands on what was recorded: pictures, and kept signals."""
    analyze = add_command("analyze", help="run the whole pipeline over a recording")
    analyze.add_argument(
        "source", metavar="SOURCE", help="a file, or an address such as stills:FOLDER"
    )
    analyze.add_argument("--config", type=Path, required=True, metavar="FILE")
    analyze.add_argument("--out", type=Path, required=True, metavar="events.jsonl")
    analyze.add_argument("--start", type=_moment, metavar="TIME", help="when the recording began")
    analyze.add_argument(
        "--fps", type=_rate, metavar="N", help="the recording's true frames a second"
    )
    analyze.add_argument("--device", metavar="ID", help="the camera whose views and lines hold")
    analyze.add_argument("--model", metavar="NAME", help="instead of the camera's own")
    analyze.add_argument(
        "--explain",
        metavar="FILE",
        help="write why each event came, or nearly did; - is the screen",
    )
    analyze.add_argument(
        "--explain-json", action="store_true", help="--explain as one JSON object a line"
    )
    analyze.add_argument(
        "--signals", type=Path, metavar="FILE", help="keep the rules' signals, for rehearse"
    )
    analyze.set_defaults(command=_analyze)

    rehearse = add_command("rehearse", help="try changed rules on the days that were kept")
    rehearse.add_argument("--config", type=Path, required=True, metavar="FILE")
    rehearse.add_argument(
        "--rules", type=Path, metavar="new.yaml", help="changed rules, or a whole site file"
    )
    rehearse.add_argument(
        "--set", action="append", default=[], metavar="RULE.PARAM=VALUE", help="change one value"
    )
    rehearse.add_argument("--days", type=_rate, default=7.0, metavar="N", help="how far back (7)")
    rehearse.add_argument("--signals", type=Path, metavar="FILE", help="instead of the agent's own")
    rehearse.add_argument("--html", type=Path, metavar="FILE", help="write a page with timelines")
    rehearse.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    rehearse.add_argument(
        "--all", action="store_true", help="replay rules that the change does not touch, too"
    )
    rehearse.set_defaults(command=_rehearse)


def _run(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.agent import run  # noqa: PLC0415 - each command loads what it needs
    from gatehouse_edge.config import load_config  # noqa: PLC0415

    run(load_config(arguments.config))
    return OK


def _check(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.check import check  # noqa: PLC0415

    return check(arguments.config, print, probe_all=not arguments.no_probe)


def _analyze(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.analyze import Wish, analyze  # noqa: PLC0415
    from gatehouse_edge.app.explain import Beside  # noqa: PLC0415
    from gatehouse_edge.config import load_config  # noqa: PLC0415

    wish = Wish(
        source=arguments.source,
        out=arguments.out,
        start=arguments.start,
        fps=arguments.fps,
        device=arguments.device,
        model=arguments.model,
        beside=Beside(arguments.explain, arguments.explain_json, arguments.signals),
    )
    done = analyze(load_config(arguments.config), wish)
    print(
        f"{done.events} events from {done.frames} frames ({done.media_s:.1f} s) in {done.took_s:.1f} s",
        file=sys.stderr,
    )
    return OK


def _rehearse(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.rehearse import Change, rehearse  # noqa: PLC0415
    from gatehouse_edge.config import load_config  # noqa: PLC0415

    change = Change(arguments.rules, tuple(arguments.set), arguments.all)
    outputs = (arguments.html, arguments.json)
    return rehearse(
        load_config(arguments.config), change, arguments.days, arguments.signals, outputs, print
    )


def _model(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.models import model_command  # noqa: PLC0415

    return model_command(arguments.action, arguments.name, print, arguments.input)


def _plugin(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.plugin_command import plugin_command  # noqa: PLC0415

    return plugin_command(arguments.action, arguments.file, arguments.config, print)


def _grid(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.grid import Wish, grid  # noqa: PLC0415

    wish = Wish(arguments.config, arguments.camera, arguments.minutes, arguments.port)
    return grid(wish, print)


def _plates(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.plates_command import list_plates, show_plate  # noqa: PLC0415

    if arguments.action == "list":
        return list_plates(arguments.config, print)
    wanted = (arguments.camera, arguments.number)
    return show_plate(
        arguments.config,
        wanted,
        arguments.purpose,
        minutes=arguments.minutes,
        port=arguments.port,
        say=print,
    )


def _maintenance(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.maintenance import Wish, maintenance_command  # noqa: PLC0415
    from gatehouse_edge.config import load_config  # noqa: PLC0415

    wish = None
    if arguments.action == "begin":
        a = arguments
        wish = Wish(a.rule, a.device, a.by, a.reason, a.hours)
    entry = arguments.id if arguments.action == "end" else None
    return maintenance_command(load_config(arguments.config), arguments.action, wish, entry, print)


def _doctor(arguments: argparse.Namespace) -> int:
    from gatehouse_edge.app.doctor import doctor  # noqa: PLC0415

    return doctor(arguments.config, print)


def _moment(text: str) -> datetime:
    """An aware time; the command line must say its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-05-04T18:00:00+08:00"
        ) from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone; add Z or +08:00")
    return moment


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 416x256")
    return int(width), int(height)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0 < rate <= 240:
        raise argparse.ArgumentTypeError("frames a second lie above 0 and at most 240")
    return rate
