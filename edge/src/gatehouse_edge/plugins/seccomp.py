"""The list of system calls that a plug-in may make, as a program that the kernel runs before each of its calls.

Everything that is not named is refused with EPERM; what nothing calls by accident ends the process. Written by hand, since the
list is one page and a library for it would be one more thing to trust. `program` is pure; `install` cannot be undone, by anyone.
Source  seccomp(2), and `linux/bpf_common.h` for the instructions.
"""

import ctypes
import struct
from collections.abc import Iterator
from typing import Final

from gatehouse_edge.plugins.syscalls import (
    ALLOWED,
    ANONYMOUS,
    DEADLY,
    NO_CODE,
    ON_ITS_LINES,
    X86_64,
    Machine,
)

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""

LOAD: Final = 0x20
EQUAL: Final = 0x15
AT_LEAST: Final = 0x35
ANY_BIT: Final = 0x45
RETURN: Final = 0x06

ALLOW: Final = 0x7FFF_0000
REFUSE: Final = 0x0005_0001
"""The call fails with EPERM."""
KILL: Final = 0x8000_0000
"""The process ends with SIGSYS."""

_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT: Final = 0x4000_0000
"""Another numbering of the same calls on x86-64, by which a list such as this one is got round."""
_PROT_EXEC: Final = 0x4
_MAP_ANONYMOUS: Final = 0x20
_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2
_FILTER: Final = struct.Struct("=HBBI")


def program(machine: Machine, lines: tuple[int, ...]) -> tuple[Instruction, ...]:
    """The instructions for a machine; `lines` are the descriptors that may be read and written."""
    return tuple(_written(machine, lines))


def _written(machine: Machine, lines: tuple[int, ...]) -> Iterator[Instruction]:
    yield (LOAD, 0, 0, _ARCH_AT)
    yield (EQUAL, 1, 0, machine.audit_arch)
    yield (RETURN, 0, 0, KILL)
    yield (LOAD, 0, 0, _NUMBER_AT)
    if machine is X86_64:
        yield (AT_LEAST, 0, 1, _X32_BIT)
        yield (RETURN, 0, 0, KILL)
    for names, verdict in ((ALLOWED, ALLOW), (DEADLY, KILL)):
        for number in machine.of(names):
            yield (EQUAL, 0, 1, number)
            yield (RETURN, 0, 0, verdict)
    for number in machine.of(ON_ITS_LINES):
        yield from _case(number, _on_lines(lines))
    for number in machine.of(NO_CODE):
        yield from _case(number, _no_code(()))
    for number in machine.of(ANONYMOUS):
        yield from _case(number, _no_code(_nobodys_file()))
    yield (RETURN, 0, 0, REFUSE)


def _case(number: int, body: tuple[Instruction, ...]) -> Iterator[Instruction]:
    """What holds for one call only; `body` always returns."""
    yield (EQUAL, 0, len(body), number)
    yield from body


def _on_lines(lines: tuple[int, ...]) -> tuple[Instruction, ...]:
    known = tuple(one for fd in lines for one in ((EQUAL, 0, 1, fd), (RETURN, 0, 0, ALLOW)))
    return (_argument(0), *known, (RETURN, 0, 0, REFUSE))


def _no_code(further: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    last = further or ((RETURN, 0, 0, ALLOW),)
    return (_argument(2), (ANY_BIT, 0, 1, _PROT_EXEC), (RETURN, 0, 0, REFUSE), *last)


def _nobodys_file() -> tuple[Instruction, ...]:
    return (
        _argument(3),
        (ANY_BIT, 0, 1, _MAP_ANONYMOUS),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    )


def _argument(index: int) -> Instruction:
    """Loads the low half of an argument, which is all of it for descriptors and flags. Both machines put it first."""
    return (LOAD, 0, 0, _ARGUMENTS_AT + 8 * index)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(instructions: tuple[Instruction, ...]) -> None:
    """Hand the program to the kernel, for this thread and for good. OSError when the kernel has no such filters.

    The caller has set "no new privileges", and has one thread.
    """
    raw = b"".join(_FILTER.pack(*one) for one in instructions)
    held = ctypes.create_string_buffer(raw, len(raw))
    handed = _Program(len(instructions), ctypes.cast(held, ctypes.c_char_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(handed), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
