"""The process of one plug-in: `python -m gatehouse_edge.plugins.child`. Its standard input is its tie to the agent.

Started fresh, never forked from the agent. It loads what a plug-in may import, opens the line of a source, closes the cage, and
only then runs the first line of the plug-in, whose code came through the socket. Errors of a plug-in are words in an answer;
whatever else goes wrong ends the process, which the agent notices.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from types import ModuleType, TracebackType
from typing import Final, Protocol, cast

import msgspec

from gatehouse_edge.plugins.api import ALLOWED_MODULES, Condition, Connection, Row, ZoneView
from gatehouse_edge.plugins.cage import CageError, close_cage
from gatehouse_edge.plugins.manners import Notes, guarded_builtins, watch_interpreter
from gatehouse_edge.plugins.messages import (
    LINE_GONE,
    MESSAGES_MAX,
    QUESTION_MAX_BYTES,
    TEXT_MAX,
    Answer,
    Ask,
    Fields,
    Hello,
    Ready,
    Said,
    View,
    encode,
)

LINK: Final = 0
LINE: Final = 3
MODULE: Final = "gatehouse_plugin"
LOOKED_UP_LATE: Final = ("_strptime", "encodings.ascii", "encodings.latin_1")
"""What the allowed modules would import at their first use."""


class _Judge(Protocol):
    def step(self, zone: ZoneView) -> object: ...


class _Reader(Protocol):
    def read(self, connection: Connection) -> object: ...


class Runner:
    """A loaded plug-in: one instance a rule, or one for a source."""

    def __init__(self, hello: Hello, refused: Notes, connection: Connection | None) -> None:
        self._hello, self._connection = hello, connection
        self._refused, self._printed = refused, Notes(distinct=False)
        module = ModuleType(MODULE)
        module.__dict__["__builtins__"] = guarded_builtins(refused, self._printed)
        sys.modules[MODULE] = module  # dataclasses look their module up
        exec(compile(hello.code, hello.name, "exec"), module.__dict__)  # noqa: S102 - the purpose of this process
        plugin = module.__dict__.get("Plugin")
        wanted = "step" if hello.role == "rule" else "read"
        if not callable(plugin) or not callable(getattr(plugin, wanted, None)):
            raise TypeError(f"the file has no class Plugin with a method {wanted}")
        self._instances: list[object] = [plugin(dict(params)) for params in hello.params]

    def answer(self, ask: Ask) -> Answer:
        """What the plug-in says, or its error in words."""
        said: Said | None = None
        messages: tuple[Fields, ...] = ()
        fault = ""
        try:
            if self._connection is None:
                assert ask.view is not None
                judge = cast("_Judge", self._instances[ask.which])
                said = _said(judge.step(_view(ask.view)))
            else:
                reader = cast("_Reader", self._instances[0])
                messages = _messages(reader.read(self._connection))
        except ConnectionError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a plug-in throws is its fault, not the end
            fault = explain(error, self._hello.name)
        return Answer(ask.number, said, messages, fault, self._refused.take(), self._printed.take())


def explain(error: BaseException, name: str) -> str:
    """An error of a plug-in in one line, with the line of its file."""
    line, trace = 0, error.__traceback__
    while isinstance(trace, TracebackType):
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001 - the words of an error are the plug-in's code too
        words = "an error without words"
    place = f" (line {line})" if line else ""
    return f"{type(error).__name__}: {words}"[: TEXT_MAX - 20] + place


def _view(view: View) -> ZoneView:
    rows = tuple(Row(*row) for row in view.rows)
    return ZoneView(view.zone, view.at_s, rows, view.hot_c)


def _said(result: object) -> Said | None:
    if result is None:
        return None
    if type(result) is not Condition:
        raise TypeError(f"step gave {type(result).__name__}, not a Condition or None")
    hold = result.on if result.hold is None else result.hold
    given = (result.on, hold or result.on, result.grade, result.confidence, result.count)
    return msgspec.convert((*given, result.kind, result.reason[:TEXT_MAX]), Said)


def _messages(result: object) -> tuple[Fields, ...]:
    if result is None:
        return ()
    if isinstance(result, Mapping):
        return (msgspec.convert(result, Fields),)
    if not isinstance(result, list | tuple):
        raise TypeError(f"read gave {type(result).__name__}, not a dict, a list of them, or None")
    return msgspec.convert(result, tuple[Fields, ...])[-MESSAGES_MAX:]


def prepare(hello: Hello) -> Connection | None:
    """Everything that needs files or the network; then the cage closes. Raises CageError, OSError and ValueError."""
    for name in (*ALLOWED_MODULES, *LOOKED_UP_LATE):
        importlib.import_module(name)
    lines: tuple[int, ...] = (LINK,)
    connection = None
    if hello.line is not None:
        from gatehouse_edge.plugins.lines import connection_over, open_line  # noqa: PLC0415 - sources only

        open_line(hello.line, LINE)
        connection = connection_over(LINE, stream=hello.line.kind != "udp")
        lines = (LINK, LINE)
    warm = Answer(0, _said(Condition(on=False)), _messages({"a": 1}), "", (), ())
    msgspec.msgpack.decode(encode(warm), type=Answer)
    close_cage(lines, hello.memory_bytes)
    return connection


def run() -> int:
    """Greets, closes the cage, lets the plug-in in, answers until the agent is gone. The exit status."""
    hello = msgspec.msgpack.decode(os.read(LINK, QUESTION_MAX_BYTES), type=Hello)
    try:
        connection = prepare(hello)
    except (CageError, OSError, ValueError) as error:
        os.write(LINK, encode(Ready(f"{error}"[:TEXT_MAX], caged=False)))
        return 1
    refused = Notes(distinct=True)
    watch_interpreter(refused)
    try:
        runner = Runner(hello, refused, connection)
    except BaseException as error:  # noqa: BLE001 - whatever a plug-in throws is its fault
        os.write(LINK, encode(Ready(explain(error, hello.name), refused=refused.take())))
        return 1
    os.write(LINK, encode(Ready(refused=refused.take())))
    questions = msgspec.msgpack.Decoder(Ask)
    try:
        while question := os.read(LINK, QUESTION_MAX_BYTES):
            os.write(LINK, encode(runner.answer(questions.decode(question))))
    except ConnectionError:
        return LINE_GONE
    return 0


if __name__ == "__main__":
    sys.stdout = sys.stderr = None
    try:
        status = run()
    except BaseException:  # noqa: BLE001 - the agent sees the status; there is nowhere to write
        status = 3
    os._exit(status)
