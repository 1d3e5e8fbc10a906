"""Programs of the demo: started with a log file of their own, stopped together, and missed when they end by themselves."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_TIMEOUT_S = 15.0


@dataclass(slots=True)
class Programs:
    """Child processes by name; use as a context manager. Logs go to `folder`."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(
        default_factory=dict[str, "subprocess.Popen[bytes]"]
    )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for program in reversed(self.running.values()):
            program.terminate()
        for program in self.running.values():
            try:
                program.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Path:
        """Run a console script of this environment; the path of its log."""
        log = self.folder / f"{name}.log"
        script = Path(sys.executable).parent / argv[0]
        with log.open("wb") as sink:
            self.running[name] = subprocess.Popen(
                [str(script), *argv[1:]],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=dict(env),
            )
        return log

    def ended(self) -> list[str]:
        """Names of programs that have ended."""
        return [name for name, program in self.running.items() if program.poll() is not None]

    def last_words(self, name: str, lines: int = 15) -> str:
        """The end of a program's log."""
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
