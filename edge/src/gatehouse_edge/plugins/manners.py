"""Says in words what a plug-in tried and may not: a guard on imports, and a hook on what Python reports of itself.

For people, not for safety: the cage has refused all of it already. What goes round this module (the interpreter is open to
whoever runs in it) meets the kernel, which says less and kills sooner.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Final

from gatehouse_edge.plugins.api import ALLOWED_MODULES
from gatehouse_edge.plugins.messages import TEXT_MAX, TEXTS_MAX

_TRIED: Final = {
    "open": "open a file",
    "import": "import",
    "socket.": "use a socket",
    "subprocess.": "start a program",
    "os.exec": "start a program",
    "os.posix_spawn": "start a program",
    "os.spawn": "start a program",
    "os.system": "start a program",
    "os.fork": "make a process",
    "pty.": "make a process",
    "_thread.start_new_thread": "start a thread",
    "os.kill": "send a signal",
    "signal.": "send a signal",
    "os.listdir": "list a folder",
    "os.scandir": "list a folder",
    "os.walk": "list a folder",
    "os.": "touch a file",
    "shutil.": "touch a file",
    "tempfile.": "touch a file",
    "mmap.": "map memory",
    "ctypes.": "call foreign code",
    "code.__new__": "write byte code",
    "sys.addaudithook": "change the interpreter",
    "sys.set": "change the interpreter",
}
"""Beginnings of the events that Python reports, first match first, and what they are called here."""
_PYTHONS_OWN: Final = frozenset({"_strptime"})
"""What Python's own parts import in a plug-in's name."""
_FREE: Final = frozenset({"sys.setrecursionlimit"})


class Notes:
    """Short texts, each once, until taken: at most TEXTS_MAX, cut to TEXT_MAX."""

    def __init__(self, *, distinct: bool) -> None:
        self._texts: list[str] = []
        self._distinct = distinct

    def add(self, text: str) -> None:
        """Note it, if there is room."""
        text = text[:TEXT_MAX]
        known = self._distinct and text in self._texts
        if not known and len(self._texts) < TEXTS_MAX:
            self._texts.append(text)

    def take(self) -> tuple[str, ...]:
        """All that was noted, and forget it."""
        taken = tuple(self._texts)
        self._texts.clear()
        return taken


def watch_interpreter(refused: Notes) -> None:
    """From now on, what Python reports and the cage forbids is an error with a name. For good."""

    def hook(event: str, arguments: Sequence[object]) -> None:
        if event in _FREE:
            return
        for beginning, what in _TRIED.items():
            if event.startswith(beginning):
                refused.add(f"{what} ({_shown(event, arguments)})")
                raise PermissionError(f"a plug-in may not {what}")

    sys.addaudithook(hook)


def _shown(event: str, arguments: Sequence[object]) -> str:
    first = arguments[0] if arguments else None
    return f"{event} {first!r}" if isinstance(first, str | bytes) else event


def guarded_builtins(refused: Notes, printed: Notes) -> dict[str, object]:
    """Python's own names as a plug-in sees them: `import` by the list, `print` for the gateway's log."""
    real: Callable[..., ModuleType] = builtins.__import__

    def guarded_import(
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        parts = {f"{name}.{part}" for part in fromlist or ()}
        allowed = name in ALLOWED_MODULES or name in _PYTHONS_OWN
        if level or not (allowed or (parts and parts <= ALLOWED_MODULES)):
            refused.add(f"import {name}")
            raise ImportError(f"a plug-in may not import {name}; see ALLOWED_MODULES in its API")
        return real(name, globals_, locals_, fromlist or (), level)

    def note(*values: object, sep: str | None = " ", **_rest: object) -> None:
        printed.add((" " if sep is None else sep).join(str(v) for v in values))

    return {**vars(builtins), "__import__": guarded_import, "print": note}
