"""What the decode child may not do, set before it sees the first byte of a camera."""

from __future__ import annotations

import ctypes
import resource

from gatehouse_edge.sources.backends import Hardware

MEMORY = 2 << 30
OPEN_FILES = 128
PR_SET_NO_NEW_PRIVS = 38


def confine(hardware: Hardware) -> None:
    """Bounds memory to 2 GiB of addresses, files to 128 and none written, no core dump, no new rights.

    Programs that it starts have the same limits, each for itself. Drivers of video hardware reserve many GiB of addresses that
    they never use; with them the 2 GiB hold for data that can be written.

    Processor time has no limit, since a camera is decoded for years; a decoder that spins gives no picture and is ended by
    the agent's stall watch.
    """
    memory = resource.RLIMIT_AS if hardware is Hardware.NONE else resource.RLIMIT_DATA
    for kind, most in (
        (memory, MEMORY),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
