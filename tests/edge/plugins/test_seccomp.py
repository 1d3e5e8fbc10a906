"""The list of system calls, run in Python as the kernel runs it: what is allowed, what fails, what kills, on both machines."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.plugins.seccomp import ALLOW, KILL, REFUSE, program
from gatehouse_edge.plugins.syscalls import (
    AARCH64,
    ALLOWED,
    ANONYMOUS,
    DEADLY,
    MACHINES,
    NO_CODE,
    ON_ITS_LINES,
    X86_64,
)

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
machines = pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda m: m.name)


def judged(machine, number, arguments=(0,) * 6, *, lines=(0,), arch=None):
    """What the kernel would answer: an interpreter of the five instructions that the program uses."""
    record = {0: number, 4: machine.audit_arch if arch is None else arch}
    for index, argument in enumerate(arguments):
        record[16 + 8 * index] = argument & 0xFFFF_FFFF
        record[20 + 8 * index] = argument >> 32
    instructions, at, value = program(machine, lines), 0, 0
    while True:
        code, yes, no, operand = instructions[at]
        at += 1
        match code:
            case 0x20:
                value = record[operand]
            case 0x15:
                at += yes if value == operand else no
            case 0x35:
                at += yes if value >= operand else no
            case 0x45:
                at += yes if value & operand else no
            case 0x06:
                return operand
            case _:
                pytest.fail(f"no instruction of the program: {code:#x}")


def call(machine, name, *arguments, lines=(0,)):
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    return judged(machine, machine.numbers[name], padded, lines=lines)


@machines
def test_the_numbers_are_those_of_this_machines_headers(machine):
    header = HEADERS[machine.name]
    if not header.exists():
        pytest.skip(f"no {header}; install linux-libc-dev")
    real = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    known = {name: int(number) for name, number in real}
    assert {n: known.get(n) for n in machine.numbers} == machine.numbers


@machines
def test_a_plug_in_may_compute_wait_and_end(machine):
    assert {call(machine, n) for n in ALLOWED if n in machine.numbers} == {ALLOW}


@machines
def test_what_is_never_called_by_accident_kills(machine):
    assert {call(machine, n) for n in DEADLY if n in machine.numbers} == {KILL}
    for name in (
        "socket",
        "execve",
        "clone",
        "ptrace",
        "process_vm_readv",
        "bpf",
        "io_uring_setup",
    ):
        assert name in DEADLY


@machines
def test_only_its_own_lines_are_read_and_written(machine):
    for name in ON_ITS_LINES:
        assert call(machine, name, 0) == ALLOW
        assert call(machine, name, 3) == REFUSE
        assert call(machine, name, 3, lines=(0, 3)) == ALLOW
        assert {call(machine, name, fd, lines=(0, 3)) for fd in (1, 2, 4, 100)} == {REFUSE}


@machines
@pytest.mark.parametrize("high", [0, 1 << 32])
def test_memory_is_never_executable_and_never_a_file(machine, high):
    read_write, execute, anonymous, private = 3, 4, 0x20, 2
    assert call(machine, "mmap", 0, 4096, read_write | high, anonymous | private) == ALLOW
    assert call(machine, "mmap", 0, 4096, execute | high, anonymous | private) == REFUSE
    assert call(machine, "mmap", 0, 4096, read_write | high, private, 3) == REFUSE
    assert call(machine, "mprotect", 0, 4096, read_write | high) == ALLOW
    assert call(machine, "mprotect", 0, 4096, execute | high) == REFUSE


@machines
def test_calls_of_another_machine_kill(machine):
    other = AARCH64 if machine is X86_64 else X86_64
    assert judged(machine, machine.numbers["read"], arch=other.audit_arch) == KILL
    assert judged(machine, machine.numbers["read"], arch=0x4000_0003) == KILL, "32 bit"


def test_the_other_numbering_of_x86_kills():
    assert {judged(X86_64, 0x4000_0000 + n) for n in (0, 1, 2, 512)} == {KILL}


@given(
    st.sampled_from(sorted(MACHINES)),
    st.integers(0, 600),
    st.tuples(*[st.integers(0, 2**64 - 1)] * 6),
)
def test_nothing_is_allowed_but_what_is_listed(name, number, arguments):
    machine = MACHINES[name]
    if judged(machine, number, arguments) == ALLOW:
        names = {n for n, v in machine.numbers.items() if v == number}
        assert names & (ALLOWED | ON_ITS_LINES | NO_CODE | ANONYMOUS)


@machines
def test_jumps_stay_inside_the_program_and_it_is_short(machine):
    instructions = program(machine, (0, 3))
    assert len(instructions) < 4096
    for at, (_, yes, no, _) in enumerate(instructions):
        assert at + max(yes, no) < len(instructions)
        assert max(yes, no) < 256
