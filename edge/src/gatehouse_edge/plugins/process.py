"""The agent's end of one plug-in's process: starts it, asks it, ends it. What the plug-in does, it does within a time limit.

A plug-in that is slow, dies or answers nonsense is a PluginDownError: worth another try, which is the caller's decision. One
that the kernel ended for a forbidden call is a PluginBreachError, and gets no other.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from gatehouse_edge.errors import PluginError
from gatehouse_edge.plugins.messages import (
    ANSWER_MAX_BYTES,
    LINE_GONE,
    Answer,
    Ask,
    Hello,
    Line,
    Params,
    Ready,
    View,
    encode,
)
from gatehouse_edge.plugins.spec import Code

START_S: Final = 15.0
STEP_S: Final = 1.0
"""How long a rule may think about one view."""
_EXIT_S: Final = 2.0
_BUFFER_BYTES: Final = 512 * 1024
_KEPT_VARIABLES: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_PLAIN: Final = {"LANG": "C.UTF-8", "TZ": "UTC0", "PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "1"}


class PluginDownError(PluginError):
    """The plug-in does not run now; another try may do."""


class LineGoneError(PluginDownError):
    """The line of a source cannot be had, or is gone; that is the other end's doing, and no fault of the plug-in."""


class PluginBreachError(PluginError):
    """The plug-in broke the cage's rules, and the kernel ended it. There is no other try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a process is started with. `answer_s` is how long an answer may take."""

    code: Code
    role: Literal["rule", "source"]
    params: tuple[Params, ...]
    memory_mib: int = 128
    answer_s: float = STEP_S
    line: Line | None = None


class PluginProcess:
    """One plug-in at work. One thread at a time; the process ends with the thread that started it."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._child: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._number = 0
        self._answers = msgspec.msgpack.Decoder(Answer)

    @property
    def pid(self) -> int | None:
        """The process id, None when there is none."""
        return None if self._child is None else self._child.pid

    def start(self) -> tuple[str, ...]:
        """Start the process and let the plug-in in; what it tried in vain while loading.

        Raises PluginDownError, PluginBreachError.
        """
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._link = ours
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            kept = {k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}
            try:
                self._child = subprocess.Popen(
                    [sys.executable, "-P", "-B", "-s", "-m", "gatehouse_edge.plugins.child"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=kept | _PLAIN,
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                raise self._down(f"cannot have a process: {error.strerror}") from None
        given = self._start
        hello = Hello(
            given.code.name,
            given.role,
            given.code.data,
            given.params,
            given.memory_mib * 1024 * 1024,
            given.line,
        )
        self._send(encode(hello))
        try:
            ready = msgspec.msgpack.decode(self._receive(START_S), type=Ready)
        except msgspec.MsgspecError:
            raise self._down("greeted with something that is no message") from None
        if ready.error:
            self.close()
            what = "could not be started" if ready.caged else "was not let in"
            line = given.line is not None and not ready.caged
            kind = LineGoneError if line else PluginDownError
            raise self._error(kind, f"{what}: {plain(ready.error)}")
        return tuple(plain(text) for text in ready.refused)

    def ask(self, which: int = 0, view: View | None = None) -> Answer:
        """One question. Raises PluginDownError, PluginBreachError; then there is no process any more."""
        self._number += 1
        self._send(encode(Ask(self._number, which, view)))
        raw = self._receive(self._start.answer_s)
        if len(raw) > ANSWER_MAX_BYTES:
            raise self._down(f"answered with more than {ANSWER_MAX_BYTES} bytes")
        try:
            answer = self._answers.decode(raw)
        except msgspec.MsgspecError:
            raise self._down("answered with something that is no answer") from None
        if answer.number != self._number:
            raise self._down("answered another question")
        return answer

    def check(self) -> None:
        """Raises PluginDownError, PluginBreachError when the process has ended meanwhile."""
        if self._child is None or self._child.poll() is not None:
            raise self._down("ended")

    def kill(self) -> None:
        """End the process from another thread: a question under way fails at once."""
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """End the process; idempotent."""
        link, child = self._link, self._child
        self._link = self._child = None
        if link is not None:
            link.close()
        if child is not None:
            child.kill()
            child.wait()

    def _send(self, message: bytes) -> None:
        assert self._link is not None
        self._link.settimeout(START_S)
        try:
            self._link.send(message)
        except OSError:
            raise self._down("ended") from None

    def _receive(self, limit_s: float) -> bytes:
        assert self._link is not None
        self._link.settimeout(limit_s)
        try:
            message = self._link.recv(ANSWER_MAX_BYTES + 1)
        except TimeoutError:
            raise self._down(f"gave no answer within {limit_s:g} s") from None
        except OSError:
            raise self._down("ended") from None
        if not message:
            raise self._down("ended")
        return message

    def _down(self, what: str) -> PluginError:
        """Ends what is left of the process and gives the error to raise."""
        child = self._child
        status: int | None = None
        if child is not None and what == "ended":
            try:
                status = child.wait(_EXIT_S)
            except subprocess.TimeoutExpired:
                status = None
        self.close()
        if status == -signal.SIGSYS:
            return self._error(
                PluginBreachError,
                "was ended by the kernel: it made a call that plug-ins may not make",
            )
        if status == LINE_GONE and self._start.line is not None:
            return self._error(LineGoneError, "lost its line")
        if status is not None:
            what = f"ended ({_ended(status)})"
        return self._error(PluginDownError, what)

    def _error(self, kind: type[PluginError], message: str) -> PluginError:
        return kind(message, place=f"plug-in {self._start.code.name}")


def _ended(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def plain(text: str) -> str:
    """A text of a plug-in as a log may hold it: one line of printable characters."""
    return "".join(c if c.isprintable() else "?" for c in text)
