"""Processes that start in milliseconds and can be killed like any other: forked from a server that has all imports done.

A kill hits a process of its own, with its own files, sockets and database connections; only the time that Python takes for
imports is saved, so that hundreds of deaths fit into minutes.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_PRELOADED: Final = [
    "gatehouse_testing.faults.gateway_process",
    "gatehouse_testing.faults.hub_process",
    "gatehouse_testing.faults.linker_process",
]
END_S: Final = 20.0
TAIL_BYTES: Final = 4_096


@dataclass
class Child:
    """One role that is started, killed and started again. What each life says stands in a file of its own."""

    name: str
    folder: Path
    main: Callable[..., None]
    lives: int = 0
    process: ForkServerProcess | None = None

    def start(self, *arguments: Any) -> None:
        """A new life with these arguments. The one before must be over."""
        assert not self.is_alive, f"{self.name} lives"
        _CONTEXT.set_forkserver_preload(_PRELOADED)
        self.lives += 1
        path = self._said(self.lives)
        self.process = _CONTEXT.Process(
            target=_live, args=(str(path), self.main, arguments), name=self.name, daemon=True
        )
        self.process.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.is_alive()

    @property
    def pid(self) -> int:
        """Its process; 0 where there is none."""
        return (self.process.pid or 0) if self.process is not None else 0

    def kill(self) -> None:
        """`kill -9`; idempotent."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and kill it when it does not."""
        self._end(signal.SIGTERM)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal that it knows."""
        if self.is_alive:
            os.kill(self.pid, number)

    def wait_dead(self, timeout_s: float) -> bool:
        """Whether it ended by itself in time."""
        if self.process is not None:
            self.process.join(timeout_s)
        return not self.is_alive

    def said(self) -> list[str]:
        """Whole lines of all lives, oldest first. A line that a kill cut off was never said."""
        return [line for life in range(1, self.lives + 1) for line in self.lines(life)]

    def life(self) -> list[str]:
        """Whole lines of the life of now, or of the last one."""
        return self.lines(self.lives)

    def last(self) -> str:
        """The last whole line of this life; empty where there is none."""
        try:
            with self._said(self.lives).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
                tail = file.read()
        except OSError:
            return ""
        lines = tail[: tail.rfind(b"\n") + 1].decode(errors="replace").splitlines()
        return lines[-1] if lines else ""

    def logged(self, words: str) -> int:
        """In how many lines of all its logs these words stand."""
        found = 0
        for life in range(1, self.lives + 1):
            with contextlib.suppress(OSError):
                log = self._said(life).with_suffix(".log").read_text(errors="replace")
                found += sum(words in line for line in log.splitlines())
        return found

    def trouble(self) -> str:
        """The first traceback that any life wrote; empty where there is none."""
        for life in range(1, self.lives + 1):
            with contextlib.suppress(OSError):
                log = self._said(life).with_suffix(".log").read_text(errors="replace")
                if "Traceback" in log:
                    return f"{self.name}, life {life}:\n{log[log.index('Traceback') :][:4_000]}"
        return ""

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if process.is_alive() and process.pid:
                os.kill(process.pid, how)
        process.join(END_S)
        if process.is_alive():
            process.kill()
            process.join(END_S)

    def _said(self, life: int) -> Path:
        return self.folder / f"{self.name}-{life}.said"

    def lines(self, life: int) -> list[str]:
        """Whole lines of one life."""
        try:
            text = self._said(life).read_text(errors="replace")
        except OSError:
            return []
        return [line.rstrip("\n") for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


def say(*words: object) -> None:
    """One line on standard output, whole: it is there even if the next instruction is the last."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def die() -> None:
    """As by `kill -9` from outside, here and now."""
    os.kill(os.getpid(), signal.SIGKILL)


def _end_with_parent() -> None:
    """Nobody outlives the test, however it ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    die()


def _live(path: str, main: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """The life of a child: its words in `path`, its log beside it."""
    os.setpgid(0, 0)  # Ctrl-C at the terminal is for the parent, which ends its children
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for number, name in ((1, path), (2, str(Path(path).with_suffix(".log")))):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    main(*arguments)
