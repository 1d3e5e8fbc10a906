"""Plug-ins that mean harm, in real processes: what each tries is refused, and the agent goes on."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent, indent

import pytest

from gatehouse_edge.plugins.judging import view_of
from gatehouse_edge.plugins.messages import CODE_MAX_BYTES, Answer
from gatehouse_edge.plugins.process import PluginBreachError, PluginDownError, PluginProcess
from gatehouse_testing.plugged import asked, code, people, rule_code, rule_start, running, signals

Cases = Callable[[Mapping[str, object], str, list[str]], Answer]


@pytest.fixture(scope="module")
def cases() -> Iterator[Cases]:
    """One process for a table of bodies that do not end it: its rules are the cases."""
    with ExitStack() as stack:
        started: dict[int, PluginProcess] = {}

        def ask(table: Mapping[str, object], name: str, bodies: list[str]) -> Answer:
            if id(table) not in started:
                body = "".join(
                    f"if self.params['case'] == {n}:\n{indent(one, '    ')}\n"
                    for n, one in enumerate(bodies)
                )
                start = rule_start(
                    rule_code(body, escape=True), tuple({"case": n} for n in range(len(bodies)))
                )
                started[id(table)] = stack.enter_context(running(start))
            return started[id(table)].ask(list(table).index(name), view_of(signals()))

        yield ask


def breach(body: str) -> None:
    """The kernel ends a plug-in that has reached past all words."""
    with pytest.raises(PluginBreachError, match="ended by the kernel"):
        asked(rule_code(f"silence()\n{body}", escape=True))


def test_a_plug_in_is_told_its_zone_and_says_what_is_so() -> None:
    answer = asked(
        rule_code(
            """
            row = zone.rows[0]
            words = f"{zone.zone} {zone.at_s} {row.label} {row.speed} {row.stay_s} {zone.hot_c}"
            return Condition(on=zone.occupied("person"), count=zone.count("person"), reason=words)
            """
        ),
        signals(people(12), at=7.0, hot_c=21.5),
    )
    assert answer.said is not None
    assert (answer.said.on, answer.said.count) == (True, 12)
    assert answer.said.reason == "hall 7.0 person still 60.0 21.5"


def test_its_process_has_one_line_no_rights_and_another_user() -> None:
    with running(rule_start(rule_code("return None"))) as process:
        proc = Path(f"/proc/{process.pid}")
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
        )
        assert status["Seccomp"].strip() == "2"
        assert status["NoNewPrivs"].strip() == "1"
        assert int(status["Threads"]) == 1
        if os.geteuid() == 0:
            assert status["Uid"].split() == ["65534"] * 4
            assert [fd.name for fd in (proc / "fd").iterdir()] == ["0"]
            assert status["CapEff"].strip() == "0" * 16
            assert (proc / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()


TRIED = {
    "a file": ('open("/etc/passwd")', "open a file (open '/etc/passwd')"),
    "the processes": ('reach("os").listdir("/proc")', "list a folder (os.listdir '/proc')"),
    "a program": ('reach("os").system("true")', "start a program (os.system b'true')"),
    "another program": (
        'reach("os").execv("/bin/true", ["true"])',
        "start a program (os.exec '/bin/true')",
    ),
    "a process": ('reach("os").fork()', "make a process (os.fork)"),
    "a signal": ('reach("os").kill(reach("os").getppid(), 9)', "send a signal (os.kill)"),
    "foreign code": ('reach("ctypes").CDLL(None)', "call foreign code (ctypes.dlopen)"),
    "an import": ("import socket", "import socket"),
    "os": ("import os", "import os"),
    "ctypes": ("import ctypes", "import ctypes"),
    "a hidden import": ('reach("builtins").__import__("socket")', "import (import 'socket')"),
    "its builtins": ('__builtins__["open"]("/x")', "open a file (open '/x')"),
}


@pytest.mark.parametrize("name", TRIED)
def test_what_it_tries_is_refused_and_has_a_name(name: str, cases: Cases) -> None:
    answer, words = cases(TRIED, name, [body for body, _ in TRIED.values()]), TRIED[name][1]
    assert answer.refused == (words,)
    assert answer.fault.startswith(
        ("PermissionError: a plug-in may not", "ImportError: a plug-in may not")
    )
    assert answer.said is None


def test_a_refusal_that_is_caught_is_told_all_the_same() -> None:
    answer = asked(
        rule_code(
            """
            try:
                open("/etc/passwd")
            except Exception:
                return Condition(on=True)
            """
        )
    )
    assert answer.said is not None
    assert answer.refused == ("open a file (open '/etc/passwd')",)


BREACHES = {
    "fork": 'reach("os").fork()',
    "exec": 'reach("os").execv("/bin/true", ["true"])',
    "a thread": 'reach("_thread").start_new_thread(print, ())',
    "a socket": 'reach("ctypes").CDLL(None).socket(2, 1, 0)',
    "a signal": 'reach("os").kill(reach("os").getppid(), 0)',
    "ptrace of the agent": 'reach("ctypes").CDLL(None).ptrace(16, reach("os").getppid(), 0, 0)',
    "memory of the agent": 'reach("ctypes").CDLL(None).process_vm_readv(reach("os").getppid(), 0, 0, 0, 0, 0)',
    "io_uring": 'reach("ctypes").CDLL(None).syscall(425, 8, 0)',
    "a name space": 'reach("ctypes").CDLL(None).unshare(0x10000000)',
}


@pytest.mark.parametrize("body", BREACHES.values(), ids=BREACHES)
def test_what_gets_past_the_words_meets_the_kernel(body: str) -> None:
    breach(body)


REFUSED_BELOW = {
    "a file": 'reach("os").open("/etc/passwd", 0)',
    "the agent's memory": 'reach("os").open("/proc/1/mem", 0)',
    "its own memory": 'reach("os").open("/proc/self/mem", 2)',
    "shared memory": 'reach("os").memfd_create("x")',
    "a look at a path": 'reach("os").stat("/")',
    "a folder": 'reach("os").mkdir("/x")',
    "standard output": 'reach("os").write(1, b"x")',
    "another descriptor": 'reach("os").read(5, 10)',
    "a pipe": 'reach("os").pipe()',
    "a copy of its line": 'reach("os").dup(0)',
    "its limits": 'reach("resource").setrlimit(9, (1 << 40, 1 << 40))',
    "its niceness": 'reach("os").nice(-5)',
}


@pytest.mark.parametrize("name", REFUSED_BELOW)
def test_files_are_refused_below_the_words_too(name: str, cases: Cases) -> None:
    bodies = [f"silence()\n{body}" for body in REFUSED_BELOW.values()]
    answer = cases(REFUSED_BELOW, name, bodies)
    assert "Operation not permitted" in answer.fault or "not allowed to raise" in answer.fault


def test_no_memory_becomes_code() -> None:
    body = """
    silence()
    libc = reach("ctypes").CDLL(None, use_errno=True)
    libc.mmap.restype = reach("ctypes").c_ssize_t
    mapped = libc.mmap(0, 4096, 7, 0x22, -1, 0)
    return Condition(on=True, reason=f"{mapped} {reach('ctypes').get_errno()}")
    """
    answer = asked(rule_code(body, escape=True))
    assert answer.said is not None
    assert answer.said.reason == "-1 1"


def test_its_environment_holds_nothing_of_the_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_PASSWORD", "s3cret")
    answer = asked(
        rule_code('return Condition(on=True, reason=" ".join(reach("os").environ))', escape=True)
    )
    assert answer.said is not None
    assert "HUB_PASSWORD" not in answer.said.reason


@pytest.mark.parametrize("name", ["frame", "pixels", "boxes", "tracks"])
def test_a_frame_is_not_there_and_that_is_said(name: str) -> None:
    assert "never frames, boxes or tracks" in asked(rule_code(f"return zone.{name}")).fault


def test_a_plug_in_that_hangs_is_ended_in_time() -> None:
    with running(rule_start(rule_code("while True: pass"), answer_s=0.2)) as process:
        pid = process.pid
        with pytest.raises(PluginDownError, match=r"no answer within 0\.2 s"):
            process.ask(0, view_of(signals()))
    assert not Path(f"/proc/{pid}").exists()


def test_memory_is_bounded() -> None:
    answer = asked(rule_code("return [bytearray(1 << 20) for _ in range(4096)]"))
    assert answer.fault.startswith("MemoryError")


SPOKEN = {
    "nonsense": ('reach("os").write(0, b"x" * 100)', "is no answer"),
    "a giant message": ('reach("os").write(0, b"x" * 100_000)', "more than 16384 bytes"),
    "a flood": ('[reach("os").write(0, b"x" * 100) for _ in range(1_000_000)]', "is no answer"),
    "two answers": (
        'm = reach("gatehouse_edge.plugins.messages"); reach("os").write(0, m.encode(m.Answer(1)))',
        "another question",
    ),
    "its own end": ('reach("os")._exit(0)', "exit status 0"),
}


@pytest.mark.parametrize(("body", "words"), SPOKEN.values(), ids=SPOKEN)
def test_what_it_says_out_of_turn_ends_it(body: str, words: str) -> None:
    with running(rule_start(rule_code(body, escape=True))) as process:

        def ask_twice() -> None:
            for _ in range(2):
                process.ask(0, view_of(signals()))

        with pytest.raises(PluginDownError, match=words):
            ask_twice()


WRONG = {
    "3": "TypeError: step gave int",
    'Condition(on="yes")': "Expected `bool`",
    "Condition(on=True, grade=5)": "Expected `int` <= 4",
    "Condition(on=True, confidence=-1)": "Expected `int` >= 0",
    'Condition(on=True, count="many")': "Expected `int | null`",
    "1 / 0": "ZeroDivisionError: division by zero (line ",
    "(_ for _ in ()).throw(SystemExit)": "SystemExit",
    "(lambda f: f(f))(lambda f: f(f))": "RecursionError",
}


@pytest.mark.parametrize("name", WRONG)
def test_an_answer_of_another_type_is_a_fault_in_words(name: str, cases: Cases) -> None:
    answer = cases(WRONG, name, [f"return {result}" for result in WRONG])
    assert answer.said is None
    assert WRONG[name] in answer.fault


LOADS = {
    "class Other: pass": "no class Plugin",
    "class Plugin:\n    def __init__(self, params): pass": "no class Plugin with a method step",
    "def": "SyntaxError",
    "import socket": "may not import socket",
    "from . import x": "may not import",
    "class Plugin:\n    def step(self, zone): pass": "TypeError",
    "open('/etc/passwd')": "may not open a file",
}


@pytest.mark.parametrize(("text", "words"), LOADS.items())
def test_a_file_that_does_not_load_says_why(text: str, words: str) -> None:
    with pytest.raises(PluginDownError, match="could not be started") as caught:
        PluginProcess(rule_start(code(text))).start()
    assert words in str(caught.value)


def test_what_may_be_imported_can_be_used() -> None:
    text = """
from __future__ import annotations
import bisect, collections, datetime, enum, functools, heapq, itertools, json, math, re, statistics, struct, typing
from collections.abc import Mapping
from dataclasses import dataclass
from gatehouse_edge.plugins import api

@dataclass
class Seen:
    count: int

class Plugin:
    def __init__(self, params: Mapping[str, float]) -> None:
        self.seen = collections.deque(maxlen=3)

    def step(self, zone: api.ZoneView) -> api.Condition:
        self.seen.append(Seen(zone.count("person")))
        mean = statistics.fmean(s.count for s in self.seen)
        when = datetime.datetime.strptime("2026", "%Y").isoformat()
        print("seen", json.dumps([math.floor(mean)]), when, "é".encode("latin-1"))
        return api.Condition(on=bool(re.match("a+", "aa")), reason=str(mean))
"""
    with running(rule_start(code(text))) as process:
        answer = process.ask(0, view_of(signals(people(4))))
        assert answer.fault == ""
        assert answer.said is not None
        assert answer.said.reason == "4.0"
        assert answer.printed == ("seen [4] 2026-01-01T00:00:00 b'\\xe9'",)


def test_texts_are_cut_and_counted() -> None:
    answer = asked(
        rule_code(
            'for n in range(99): print("x" * 9999, n)\nreturn Condition(on=True, reason="y" * 9999)'
        )
    )
    assert answer.said is not None
    assert (len(answer.printed), len(answer.printed[0]), len(answer.said.reason)) == (8, 240, 240)


def test_each_rule_has_an_instance_and_parameters_of_its_own() -> None:
    body = 'return Condition(on=True, reason=f"{self.params} {self.steps}")'
    with running(rule_start(rule_code(body), ({"a": 1}, {"a": 2.5}))) as process:
        for which in (0, 1, 1):
            answer = process.ask(which, view_of(signals()))
        assert answer.said is not None
        assert answer.said.reason == "{'a': 2.5} 2"


def program(text: str) -> str:
    """What a short program in a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(text)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return done.stdout.strip() or done.stderr[-500:]


def test_the_second_layer_holds_without_the_first() -> None:
    said = program(
        """
        import ctypes, socket
        from gatehouse_edge.plugins.landlock import give_up_files
        ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
        version = give_up_files()
        try:
            open("/etc/passwd")
        except PermissionError:
            print(version, "refused")
        """
    )
    if said == "":
        pytest.skip("this kernel has no Landlock")
    assert said.endswith("refused")


def test_a_kernel_that_takes_the_filter_and_does_not_obey_it_is_found_out() -> None:
    said = program(
        """
        from gatehouse_edge.plugins import cage
        cage.seccomp.install = lambda instructions: None
        try:
            cage.close_cage((0, 1, 2), 1 << 30)
        except cage.CageError as error:
            print(error)
        """
    )
    assert said == "the kernel took the filter and does not obey it"


def test_a_process_with_a_second_thread_is_no_cage() -> None:
    said = program(
        """
        import threading
        from gatehouse_edge.plugins import cage
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        try:
            cage.close_cage((0, 1, 2), 1 << 30)
        except cage.CageError as error:
            print(error)
        """
    )
    assert said == "the process has more than one thread"


def test_a_plug_in_as_large_as_it_may_be_still_travels() -> None:
    text = rule_code("return None").data.decode()
    text += "#" * (CODE_MAX_BYTES - len(text))
    assert asked(code(text)).fault == ""


def test_where_the_cage_does_not_close_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A kernel that refuses the filter, by a stand-in for prctl's answer in the plug-in's process."""
    (tmp_path / "sitecustomize.py").write_text(
        "import platform\nplatform.machine = lambda: 'mips'\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    with pytest.raises(
        PluginDownError, match=r"was not let in: plug-ins run on x86_64 and aarch64"
    ):
        PluginProcess(rule_start(rule_code("return None"))).start()
