"""Replays spread over processes: rules of one device stay together, so each process unpacks only what its devices said.

Below the agent's own priority, since it may be running beside them. Errors: HistoryError where a process ends early.
"""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final, cast

from gatehouse_edge.history.rehearsal import Days, Replayed, Replays, Task
from gatehouse_edge.history.setup import Setup, read_setup
from gatehouse_edge.history.store import HistoryError, SignalReader

NICE: Final = 10
TELL_EVERY: Final = 50
"""Minutes between two words about how far a process is."""


def replayed(
    reader: SignalReader,
    numbers: Sequence[int],
    tasks: Sequence[Task],
    days: Days | None,
    tell: Callable[[int], object],
) -> list[Replayed]:
    """Tasks over these minutes, in this process. `tell` hears how many are done."""
    replays = Replays(tasks)

    @lru_cache(maxsize=64)
    def setup(session: int) -> Setup:
        return read_setup(reader.setup(session))

    for done, number in enumerate(numbers):
        block = reader.block(number)
        if block is not None:
            replays.block(block, setup)
            if days is not None:
                days.block(block)
        if done % TELL_EVERY == 0:
            tell(done)
    return replays.results()


def spread(
    path: Path, numbers: list[int], tasks: Sequence[Task], tell: Callable[[float], object]
) -> list[Replayed]:
    """The same in as many processes as there are cores. What they find comes in the order of the tasks."""
    context = get_context("spawn")
    found: dict[int, Replayed] = {}
    shares = shared_out(tasks, len(os.sched_getaffinity(0)))
    done: dict[Connection, int] = {}
    processes: list[SpawnProcess] = []
    share_of: dict[Connection, list[int]] = {}
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            own = [tasks[n] for n in share]
            process = context.Process(target=_work, args=(theirs, path, numbers, own), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            done[ours], share_of[ours] = 0, share
        left = set(done)
        while left:
            for ready in wait(list(left)):
                connection = cast("Connection", ready)
                word = _word(connection)
                if isinstance(word, int):
                    done[connection] = word
                    tell(sum(done.values()) / len(done))
                else:
                    found.update(zip(share_of[connection], word, strict=True))
                    done[connection] = len(numbers)
                    left.discard(connection)
    finally:
        for process in processes:
            process.terminate()
            process.join()
    return [found[n] for n in range(len(tasks))]


def shared_out(tasks: Sequence[Task], processes: int) -> list[list[int]]:
    """The numbers of the tasks for each process: those of one set of devices together, the greatest sets first; where there
    are fewer sets than processes, each task alone.
    """
    sets: dict[frozenset[str], list[int]] = {}
    for n, task in enumerate(tasks):
        sets.setdefault(task.devices, []).append(n)
    if len(sets) < processes:
        sets = {frozenset((str(n),)): [n] for n in range(len(tasks))}
    shares: list[list[int]] = [[] for _ in range(max(1, min(processes, len(sets))))]
    for numbers in sorted(sets.values(), key=len, reverse=True):
        min(shares, key=len).extend(numbers)
    return [share for share in shares if share]


def _work(out: Connection, path: Path, numbers: list[int], tasks: Sequence[Task]) -> None:
    os.nice(NICE)
    reader = SignalReader(path)
    try:
        out.send(replayed(reader, numbers, tasks, None, out.send))
    finally:
        reader.close()
        out.close()


def _word(connection: Connection) -> int | list[Replayed]:
    try:
        return cast("int | list[Replayed]", connection.recv())
    except (EOFError, OSError):
        raise HistoryError(
            "a process of the rehearsal ended early", remedy="Try fewer days, or look for room"
        ) from None
