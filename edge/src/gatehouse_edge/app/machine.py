"""How the gateway itself does: processor, memory, disk. Read from the kernel's own files; needs no library."""

import shutil
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


class Machine:
    """Shares in use, 0 to 1. `cpu` is since the last time it was asked; what cannot be read counts as 0."""

    def __init__(self, disk: Path, proc: Path = PROC) -> None:
        self._disk, self._proc = disk, proc
        self._before = self._ticks()

    def cpu(self) -> float:
        """Share of all processors that was busy since the last call."""
        before, self._before = self._before, self._ticks()
        busy, total = (now - then for now, then in zip(self._before, before, strict=True))
        return busy / total if total > 0 else 0.0

    def memory(self) -> float:
        """Share of memory that nothing could have now."""
        fields = self._numbers("meminfo")
        total = fields.get("MemTotal", 0)
        return 1 - fields.get("MemAvailable", total) / total if total else 0.0

    def disk(self) -> float:
        """Share of the outbox's file system in use."""
        try:
            usage = shutil.disk_usage(self._disk)
        except OSError:
            return 0.0
        return usage.used / usage.total if usage.total else 0.0

    def _ticks(self) -> tuple[int, int]:
        """(busy, total) clock ticks of all processors since the machine started."""
        try:
            first = (self._proc / "stat").read_text(encoding="ascii").splitlines()[0]
            ticks = [int(word) for word in first.split()[1:9]]
        except (OSError, ValueError, IndexError):
            return 0, 0
        idle = sum(ticks[3:5])
        return sum(ticks) - idle, sum(ticks)

    def _numbers(self, name: str) -> dict[str, int]:
        try:
            lines = (self._proc / name).read_text(encoding="ascii").splitlines()
            pairs = (line.split(":", 1) for line in lines if ":" in line)
            return {key: int(rest.split()[0]) for key, rest in pairs}
        except (OSError, ValueError, IndexError):
            return {}
