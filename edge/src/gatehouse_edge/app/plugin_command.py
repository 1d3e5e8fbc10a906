"""`plugin hash | check | list`: what an installer asks of a plug-in before it is trusted, and afterwards."""

from collections.abc import Callable
from pathlib import Path

from gatehouse_edge.app.plugins import all_plugins, code_of
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.errors import ConfigError, PluginError
from gatehouse_edge.plugins.messages import View
from gatehouse_edge.plugins.process import PluginProcess, Start, plain
from gatehouse_edge.plugins.spec import Code, read_code

EMPTY = View("trial", 1.0, (), None)
BUSY = View(
    "trial",
    2.0,
    (
        ("person", "still", 12, 0.2, 95.0),
        ("person", "walking", 14, 0.2, 20.0),
        ("car", "still", 1, 0.1, 400.0),
    ),
    31.5,
)
"""Two zones that nobody is in: what `check` shows a rule."""


def plugin_command(
    action: str, file: Path | None, config: Path | None, say: Callable[[str], None]
) -> int:
    """One of `hash`, `check` and `list`; 0 when all is well, else 1. Raises ConfigError for what cannot be read."""
    if action == "list":
        if config is None:
            raise ConfigError("no configuration", place="plugin list", remedy="Give --config FILE")
        return _list(load_config(config), say)
    if file is None:
        raise ConfigError("no file", place=f"plugin {action}", remedy="Give the plug-in's file")
    code = read_code(file.name, file)
    if action == "hash":
        say(f"sha256: {code.sha256}")
        return 0
    return _check(code, say)


def _list(config: Config, say: Callable[[str], None]) -> int:
    wrong = 0
    for plugin in all_plugins(config):
        try:
            code = code_of(config, plugin)
        except ConfigError as error:
            wrong += 1
            say(f"WRONG {error}")
        else:
            say(f"ok    {plugin.name} {code.sha256} {plugin.file}")
    return 1 if wrong else 0


def _check(code: Code, say: Callable[[str], None]) -> int:
    say(f"ok    {code.name}, {len(code.data)} bytes, sha256: {code.sha256}")
    role = "source" if b"def read(" in code.data and b"def step(" not in code.data else "rule"
    if role == "source":
        # Its line is the gateway's to open; without one it can be loaded, and no more.
        return _loaded(Start(code=code, role="source", params=({},)), say)
    return _loaded(Start(code=code, role="rule", params=({},)), say, EMPTY, BUSY)


def _loaded(start: Start, say: Callable[[str], None], *views: View) -> int:
    process, clock = PluginProcess(start), SystemClock()
    wrong = 0
    try:
        tried = list(process.start())
        say(f"ok    runs in its cage as a {start.role}")
        for view in views:
            began_s = clock.monotonic_s()
            answer = process.ask(0, view)
            took_ms = (clock.monotonic_s() - began_s) * 1000
            tried += answer.refused
            wrong += bool(answer.fault)
            what = plain(answer.fault or str(answer.said))
            say(f"{'WRONG' if answer.fault else 'ok   '} {took_ms:.1f} ms: {what}")
            for line in answer.printed:
                say(f"      printed: {plain(line)}")
    except PluginError as error:
        say(f"WRONG {error}")
        return 1
    finally:
        process.close()
    for one in tried:
        say(f"WRONG refused: {plain(one)}")
    return 1 if wrong or tried else 0
