"""The second layer below the list of system calls: rights to files and to TCP are given up as such, where the kernel knows how.

Landlock (Linux 5.13 and later). A rule set without a single rule forbids all that it speaks of. What the kernel does not offer
is left as it is: the first layer holds without this one.
Source  landlock(7), `linux/landlock.h`; the three calls have the same numbers on every machine.
"""

import ctypes
import os
import struct
from typing import Final

_CREATE: Final = 444
_RESTRICT: Final = 446
_ASK_VERSION: Final = 1
_FILES_BY_VERSION: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version speaks of."""
_TCP_FROM: Final = 4
_SCOPES_FROM: Final = 6


def give_up_files() -> int:
    """No file may be opened from now on, nor TCP used. The kernel's version of Landlock; 0 where it has none.

    The caller has set "no new privileges".
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION))
    if version < 1:
        return 0
    rights = _rights(version)
    rule_set = int(libc.syscall(_CREATE, rights, ctypes.c_size_t(len(rights)), 0))
    if rule_set < 0:
        return 0
    try:
        return version if libc.syscall(_RESTRICT, rule_set, 0) == 0 else 0
    finally:
        os.close(rule_set)


def _rights(version: int) -> bytes:
    """The kernel's structure: files, then TCP, then signals and nameless sockets, as far as this version goes."""
    newest = max(_FILES_BY_VERSION)
    rights = struct.pack("=Q", (1 << _FILES_BY_VERSION[min(version, newest)]) - 1)
    if version >= _TCP_FROM:
        rights += struct.pack("=Q", 0b11)
    if version >= _SCOPES_FROM:
        rights += struct.pack("=Q", 0b11)
    return rights
