"""Numbers of the system calls that the cage names, on the two machines that Gatehouse runs on.

Source  `asm/unistd_64.h` of x86-64 and `asm-generic/unistd.h`, which aarch64 uses; a test compares them with the headers of the
        machine it runs on. A call that one machine has not is absent there (aarch64 has no `fork`, `poll` or `open`).
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of machine: its number in a seccomp record, and the numbers of its calls."""

    name: str
    audit_arch: int
    numbers: dict[str, int] = field(default_factory=dict[str, int])

    def of(self, names: frozenset[str]) -> tuple[int, ...]:
        """The numbers of those of the names that there are here, ascending."""
        return tuple(sorted(self.numbers[n] for n in names if n in self.numbers))


X86_64: Final = Machine(
    "x86_64",
    0xC000_003E,
    {
        # what a plug-in needs to compute
        "read": 0,
        "write": 1,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigreturn": 15,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "exit": 60,
        "poll": 7,
        "futex": 202,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "clock_getres": 229,
        "clock_nanosleep": 230,
        "exit_group": 231,
        "ppoll": 271,
        "getrandom": 318,
        # what nothing in a plug-in calls by accident
        "socket": 41,
        "connect": 42,
        "accept": 43,
        "sendto": 44,
        "recvfrom": 45,
        "sendmsg": 46,
        "recvmsg": 47,
        "bind": 49,
        "listen": 50,
        "socketpair": 53,
        "accept4": 288,
        "recvmmsg": 299,
        "sendmmsg": 307,
        "clone": 56,
        "fork": 57,
        "vfork": 58,
        "clone3": 435,
        "execve": 59,
        "execveat": 322,
        "kill": 62,
        "tkill": 200,
        "tgkill": 234,
        "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297,
        "pidfd_open": 434,
        "pidfd_send_signal": 424,
        "pidfd_getfd": 438,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "process_madvise": 440,
        "kcmp": 312,
        "unshare": 272,
        "setns": 308,
        "chroot": 161,
        "pivot_root": 155,
        "mount": 165,
        "umount2": 166,
        "open_tree": 428,
        "move_mount": 429,
        "fsopen": 430,
        "open_by_handle_at": 304,
        "init_module": 175,
        "finit_module": 313,
        "delete_module": 176,
        "kexec_load": 246,
        "kexec_file_load": 320,
        "reboot": 169,
        "bpf": 321,
        "perf_event_open": 298,
        "userfaultfd": 323,
        "io_uring_setup": 425,
        "io_uring_enter": 426,
        "io_uring_register": 427,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "setuid": 105,
        "setgid": 106,
        "setreuid": 113,
        "setresuid": 117,
        "capset": 126,
        "personality": 135,
    },
)

AARCH64: Final = Machine(
    "aarch64",
    0xC000_00B7,
    {
        "read": 63,
        "write": 64,
        "mmap": 222,
        "mprotect": 226,
        "munmap": 215,
        "brk": 214,
        "rt_sigreturn": 139,
        "sched_yield": 124,
        "mremap": 216,
        "madvise": 233,
        "exit": 93,
        "futex": 98,
        "restart_syscall": 128,
        "clock_gettime": 113,
        "clock_getres": 114,
        "clock_nanosleep": 115,
        "exit_group": 94,
        "ppoll": 73,
        "getrandom": 278,
        "socket": 198,
        "connect": 203,
        "accept": 202,
        "sendto": 206,
        "recvfrom": 207,
        "sendmsg": 211,
        "recvmsg": 212,
        "bind": 200,
        "listen": 201,
        "socketpair": 199,
        "accept4": 242,
        "recvmmsg": 243,
        "sendmmsg": 269,
        "clone": 220,
        "clone3": 435,
        "execve": 221,
        "execveat": 281,
        "kill": 129,
        "tkill": 130,
        "tgkill": 131,
        "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240,
        "pidfd_open": 434,
        "pidfd_send_signal": 424,
        "pidfd_getfd": 438,
        "ptrace": 117,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "process_madvise": 440,
        "kcmp": 272,
        "unshare": 97,
        "setns": 268,
        "chroot": 51,
        "pivot_root": 41,
        "mount": 40,
        "umount2": 39,
        "open_tree": 428,
        "move_mount": 429,
        "fsopen": 430,
        "open_by_handle_at": 265,
        "init_module": 105,
        "finit_module": 273,
        "delete_module": 106,
        "kexec_load": 104,
        "kexec_file_load": 294,
        "reboot": 142,
        "bpf": 280,
        "perf_event_open": 241,
        "userfaultfd": 282,
        "io_uring_setup": 425,
        "io_uring_enter": 426,
        "io_uring_register": 427,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "setuid": 146,
        "setgid": 144,
        "setreuid": 145,
        "setresuid": 147,
        "capset": 91,
        "personality": 92,
    },
)

MACHINES: Final = {m.name: m for m in (X86_64, AARCH64)}
"""By what `platform.machine()` says."""

ON_ITS_LINES: Final = frozenset({"read", "write"})
"""Allowed on the descriptors that the plug-in was given, and on no other."""

NO_CODE: Final = frozenset({"mprotect"})
"""Allowed unless memory would become executable."""

ANONYMOUS: Final = frozenset({"mmap"})
"""Allowed for memory of nobody's file that is not executable."""

ALLOWED: Final = frozenset(
    {
        "munmap",
        "brk",
        "mremap",
        "madvise",
        "futex",
        "rt_sigreturn",
        "restart_syscall",
        "sched_yield",
        "clock_gettime",
        "clock_getres",
        "clock_nanosleep",
        "poll",
        "ppoll",
        "getrandom",
        "exit",
        "exit_group",
    }
)
"""Computing, waiting and ending."""

DEADLY: Final = frozenset(X86_64.numbers) - ALLOWED - ON_ITS_LINES - NO_CODE - ANONYMOUS
"""Nothing calls these by accident: the kernel ends the process. What stands nowhere here fails with EPERM."""
