"""What an inference process gives up before it sees a model, its own or that of an outside runtime. Linux only."""

from __future__ import annotations

import ctypes
import resource
from typing import Final

_NEW_USER: Final = 0x1000_0000
_NEW_NETWORK: Final = 0x4000_0000
_NO_NEW_PRIVILEGES: Final = 38


def give_up_rights(memory_bytes: int) -> None:
    """No network, no new privileges, no files written, no core, no more memory than this. What the kernel refuses stays.

    Must be called while the process has one thread, or the kernel refuses the new name spaces.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        libc.unshare(_NEW_USER | _NEW_NETWORK)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
