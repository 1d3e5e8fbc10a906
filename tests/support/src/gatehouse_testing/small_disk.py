"""A disk of a few MiB that can be filled to its last block: a tmpfs of its own, so that a full disk is a real one.

Needs the right to mount. Where that is missing the test skips, and says how to have it.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

BLOCK_BYTES = 4096
STEP_BYTES = 1 << 20


@dataclass
class SmallDisk:
    """A mounted disk. `fill` takes every block that is left, and may be called again; `relieve` gives them back."""

    folder: Path

    @property
    def free_bytes(self) -> int:
        """What is left for everybody."""
        return shutil.disk_usage(self.folder).free

    @property
    def _ballast(self) -> Path:
        return self.folder / "somebody_elses_recordings"

    def fill(self) -> int:
        """Write until there is no room; how much is free then."""
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for step in (STEP_BYTES, BLOCK_BYTES):
                with contextlib.suppress(OSError):
                    while True:
                        os.write(file, b"\x55" * step)
        finally:
            os.close(file)
        return self.free_bytes

    def relieve(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, mib: int) -> Generator[SmallDisk]:
    """A disk of so many MiB at `folder`. Skips the test where nothing may be mounted."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount", path=os.defpath + ":/sbin:/usr/sbin")
    if mount is None:
        pytest.skip("a disk that is full needs mount(8)")
    size = f"size={mib}m,mode=0700"
    command = [mount, "-t", "tmpfs", "-o", size, "tmpfs", folder]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(
            "a disk that is full needs the right to mount one: run as root, or in "
            f"`unshare --user --map-root-user --mount` ({done.stderr.strip()})"
        )
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
