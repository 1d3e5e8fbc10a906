"""Closes the cage: what a process gives up, for good, before the first line of a plug-in runs in it.

The interpreter is no cage: whoever runs Python code reaches all of the interpreter. So everything here is the kernel's:
system calls by a list (`seccomp`), files and TCP as such (`landlock`), another network name space, another user where we are
root, limits on memory, descriptors and processes. The list must hold, or nothing runs; the others are as far as the kernel goes.
"""

import contextlib
import ctypes
import os
import platform
import resource
from pathlib import Path
from typing import Final

from gatehouse_edge.plugins import landlock, seccomp
from gatehouse_edge.plugins.syscalls import MACHINES

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_SIGKILL: Final = 9
_NEW_USER: Final = 0x1000_0000
_NEW_NETWORK: Final = 0x4000_0000
_NOBODY: Final = 65_534
_POLITENESS: Final = 10
"""Added to the niceness: inference comes first."""


class CageError(Exception):
    """The cage does not close; no plug-in may run here."""


def close_cage(lines: tuple[int, ...], memory_bytes: int) -> None:
    """Keep the descriptors `lines`, `memory_bytes` of addresses and the right to compute. CageError when that cannot be had.

    Must be called while the process has one thread.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise CageError(
            f"plug-ins run on {' and '.join(MACHINES)}, and this is {platform.machine()}"
        )
    if len(tuple(Path("/proc/self/task").iterdir())) != 1:
        raise CageError("the process has more than one thread")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        libc.unshare(_NEW_USER | _NEW_NETWORK)
    _be_nobody()
    _limit(memory_bytes)
    _close_others(lines)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise CageError("the kernel does not let a process give up new privileges")
    landlock.give_up_files()
    try:
        seccomp.install(seccomp.program(machine, lines))
    except OSError as error:
        raise CageError(error.strerror or str(error)) from None
    _try_the_door()


def _be_nobody() -> None:
    """Another user, where we may choose; the parent's death is still heard, since it is asked for afterwards."""
    if os.geteuid() != 0:
        return
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _limit(memory_bytes: int) -> None:
    os.nice(_POLITENESS)
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, 8),
        (resource.RLIMIT_NPROC, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def _close_others(lines: tuple[int, ...]) -> None:
    for entry in tuple(Path("/proc/self/fd").iterdir()):
        if int(entry.name) not in lines:
            with contextlib.suppress(OSError):
                os.close(int(entry.name))


def _try_the_door() -> None:
    """A filter that is taken and not obeyed (an emulated kernel) is no filter."""
    for attempt in (lambda: os.open("/", os.O_RDONLY), os.pipe, os.getcwd):
        try:
            attempt()
        except PermissionError:
            continue
        except OSError as error:
            raise CageError(f"the cage answers {error.strerror}, not a refusal") from None
        raise CageError("the kernel took the filter and does not obey it")
