"""What every inference runtime must do, the box's own or somebody else's: `python -m gatehouse_testing.runtimes COMMAND ...`.

Run against any command that speaks edge/docs/runtimes.md, as the agent would start it. GENTLE checks share one running process,
HARSH ones start their own, since it must end. Each is a function that raises AssertionError, or the error of the agent's end. The
model is the project's own detector, the picture one of the scenes.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import read_rows
from gatehouse_edge.inference.catalogue import find_manifest
from gatehouse_edge.inference.manifest import Manifest, ModelFile
from gatehouse_edge.inference.messages import Hello, Look
from gatehouse_edge.inference.process import InferenceDownError, InferenceProcess
from gatehouse_edge.inference.running import ChildLostError, RunningChild
from gatehouse_edge.inference.runtimes import OWN, Runtime, RuntimeCommand, find_runtime
from gatehouse_edge.inference.weights import find_file
from gatehouse_shared.wire import sha256_hex
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.waiting import wait_until

MODEL: Final = "gatehouse_scenes"
LANES: Final = 2
ENDS_S: Final = 10.0
Pixels = NDArray[np.uint8]
Rows = NDArray[np.int16]


def runtime_of(*command: str) -> Runtime:
    """The runtime that a command is; none is the box's own."""
    if not command:
        return OWN
    return find_runtime("tried", {"tried": RuntimeCommand(command=command)})


def plaza(at: float = 120.0) -> Pixels:
    """A picture of the plaza with people on it."""
    folder = str(ROOT / "seeds" / "scenes")
    if folder not in sys.path:
        sys.path.append(folder)
    import plaza as scene

    return np.asarray(scene.SCENE.render(at), np.uint8)


@dataclass(slots=True)
class Trial:
    """A runtime, a model for it, and a picture; `folder` is empty and may be written to."""

    runtime: Runtime
    folder: Path
    picture: Pixels
    manifest: Manifest = field(default_factory=lambda: find_manifest(MODEL))

    @property
    def file(self) -> Path:
        """The model's file."""
        found = find_file(self.manifest)
        assert found is not None
        return found


class Memory:
    """Memory that frames are shown in."""

    def __init__(self, picture: Pixels) -> None:
        self.fd = os.memfd_create("tried")
        self.show(picture)

    def show(self, picture: Pixels) -> None:
        """Put a picture there; makes room for it."""
        os.ftruncate(self.fd, max(picture.nbytes, os.fstat(self.fd).st_size))
        with mmap.mmap(self.fd, 0) as lent:
            lent[: picture.nbytes] = np.ascontiguousarray(picture).tobytes()

    def close(self) -> None:
        """Let go."""
        os.close(self.fd)


@dataclass(slots=True)
class Session:
    """A running process that was greeted, and what it is asked."""

    trial: Trial
    child: RunningChild
    number: int = 0

    def look(
        self,
        segment: int,
        picture: Pixels,
        region: tuple[int, int, int, int] | None = None,
        *,
        lane: int = 0,
    ) -> Rows:
        """The rows of a picture that lies in `segment`, checked."""  # fmt: skip
        high, wide = picture.shape[:2]
        part = region or (0, 0, wide, high)
        self.number += 1
        asked = Look(self.number + (lane << 16), 0, segment, high, wide, 0, nan, part)
        return read_rows(self.child.look(lane, asked), *part[2:])


@contextmanager
def session(trial: Trial) -> Generator[Session]:
    """A process that was greeted; ended at the end."""
    child = RunningChild(LANES, trial.runtime)
    try:
        child.greet(Hello(trial.manifest, 0.2), trial.file)
        yield Session(trial, child)
    finally:
        child.retire()


@contextmanager
def shown(opened: Session, picture: Pixels, segment: int = 0) -> Generator[Memory]:
    """The picture in memory that the process maps as `segment`."""
    memory = Memory(picture)
    try:
        opened.child.attach(segment, memory.fd)
        yield memory
        opened.child.detach(segment)
    finally:
        memory.close()


def finds_what_is_there(opened: Session) -> None:
    """People on the plaza, the same at every look, best score first."""
    picture = opened.trial.picture
    with shown(opened, picture):
        first, second = opened.look(0, picture), opened.look(0, picture)
    assert len(first) >= 3, f"{len(first)} rows for a plaza full of people"
    assert (first == second).all(), "two looks at one picture differ"
    assert (np.diff(first[:, 5]) <= 0).all(), "the rows are not best score first"


def looks_at_a_part_as_at_a_picture(opened: Session) -> None:
    """The rows of a region are those of a picture that shows just this, and in its pixels."""
    picture = opened.trial.picture
    high, wide = picture.shape[:2]
    region = (wide // 4, high // 4, wide // 2, high // 2)
    x, y, w, h = region
    alone = np.ascontiguousarray(picture[y : y + h, x : x + w])
    with shown(opened, picture), shown(opened, alone, 1):
        assert (opened.look(0, picture, region) == opened.look(1, alone)).all()


def answers_on_all_lanes_at_once(opened: Session) -> None:
    """Each lane gives the answer to its own question."""
    picture, empty = opened.trial.picture, np.zeros_like(opened.trial.picture)
    told: dict[int, list[int]] = {lane: [] for lane in range(LANES)}
    with shown(opened, picture), shown(opened, empty, 1):

        def ask(lane: int) -> None:
            for _ in range(5):
                told[lane].append(len(opened.look(lane, (picture, empty)[lane], lane=lane)))

        threads = [threading.Thread(target=ask, args=(lane,)) for lane in range(LANES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(told[0]) == len(told[1]) == 5, "a lane gave no answer"
    assert min(told[0]) == max(told[0]) > max(told[1]), "the lanes' answers are mixed up"


def sees_new_memory_in_place_of_old(opened: Session) -> None:
    """What is attached anew takes the place of what was there."""
    picture, empty = opened.trial.picture, np.zeros_like(opened.trial.picture)
    with shown(opened, empty):
        before = len(opened.look(0, empty))
        with shown(opened, picture):
            assert len(opened.look(0, picture)) > before, "the old memory was looked at"


def takes_frames_of_another_size(opened: Session) -> None:
    """Memory may grow, and frames in it be larger, smaller and of another shape."""
    picture = opened.trial.picture
    larger = picture.repeat(2, axis=0).repeat(2, axis=1)
    with shown(opened, picture) as memory:
        usual = opened.look(0, picture)
        memory.show(larger)
        assert len(opened.look(0, larger)) > 0
        tall = np.ascontiguousarray(picture[:, :100])
        memory.show(tall)
        opened.look(0, tall)
        memory.show(picture)
        assert (opened.look(0, picture) == usual).all(), "an earlier size leaves traces"


def gave_up_its_rights(opened: Session) -> None:
    """Limits that the agent set hold: memory, files, cores."""
    limits = Path(f"/proc/{opened.child.pid}/limits").read_text(encoding="ascii")
    assert f"Max address space         {opened.trial.runtime.memory_bytes}" in limits
    assert "Max file size             0 " in limits
    assert "Max core file size        0 " in limits
    status = Path(f"/proc/{opened.child.pid}/status").read_text(encoding="ascii")
    assert "NoNewPrivs:\t1" in status


def refuses_another_model(trial: Trial) -> None:
    """A file with other bytes than the manifest says."""
    other = trial.folder / trial.file.name
    other.write_bytes(trial.file.read_bytes()[:-1] + b"?")
    _is_refused(trial, trial.manifest, other)


def refuses_what_is_no_model(trial: Trial) -> None:
    """Bytes that are listed in the manifest and are nothing that can be run."""
    other = trial.folder / "nonsense.bin"
    other.write_bytes(bytes(range(256)) * 40)
    data = other.read_bytes()
    listed = ModelFile(file=other.name, size_bytes=len(data), sha256=sha256_hex(data))
    _is_refused(trial, msgspec.structs.replace(trial.manifest, files=(listed,)), other)


def ends_on_garbage(trial: Trial) -> None:
    """A message that is none ends it; it does not go on as if nothing were."""
    with session(trial) as opened:
        lane = opened.child._lanes[0]
        lane.send(b"Xgarbage")
        _ends(opened.child)


def ends_on_a_frame_beyond_its_memory(trial: Trial) -> None:
    """A look that reaches beyond the memory is answered by nothing."""
    with session(trial) as opened, suppress(ChildLostError), shown(opened, trial.picture):
        opened.look(0, trial.picture.repeat(3, axis=0))
        raise AssertionError("a frame that is not there was looked at")
    _ends(opened.child)


def ends_with_the_agent(trial: Trial) -> None:
    """It ends when the agent's ends of its sockets close."""
    with session(trial) as opened:
        opened.child._control.close()
        _ends(opened.child)


def is_started_again_after_a_kill(trial: Trial) -> None:
    """The next look after a crash is answered by a fresh process."""
    process = InferenceProcess(trial.manifest, trial.file, runtime=trial.runtime, workers=1)
    try:
        before = process.rows(0, trial.picture)
        first = process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with suppress(InferenceDownError):
            process.rows(0, trial.picture)
        assert (process.rows(0, trial.picture) == before).all()
        assert process.pid != first
    finally:
        process.close()


GENTLE: Final[tuple[Callable[[Session], None], ...]] = (
    finds_what_is_there,
    looks_at_a_part_as_at_a_picture,
    answers_on_all_lanes_at_once,
    sees_new_memory_in_place_of_old,
    takes_frames_of_another_size,
    gave_up_its_rights,
)
HARSH: Final[tuple[Callable[[Trial], None], ...]] = (
    refuses_another_model,
    refuses_what_is_no_model,
    ends_on_garbage,
    ends_on_a_frame_beyond_its_memory,
    ends_with_the_agent,
    is_started_again_after_a_kill,
)


def _is_refused(trial: Trial, manifest: Manifest, file: Path) -> None:
    child = RunningChild(1, trial.runtime)
    try:
        child.greet(Hello(manifest, 0.2), file)
    except ModelError:
        _ends(child)
    else:
        raise AssertionError("it was accepted")
    finally:
        child.retire()


def _ends(child: RunningChild) -> None:
    wait_until(lambda: child.status is not None, ENDS_S)


def main(command: list[str]) -> int:
    """All checks against a command, a line for each; 0 when it passes them all."""
    import tempfile

    failed = 0
    with tempfile.TemporaryDirectory() as room:
        trial = Trial(runtime_of(*command), Path(room), plaza())
        with session(trial) as opened:
            for gentle in GENTLE:
                failed += _tell(gentle.__name__, lambda check=gentle: check(opened))
        for harsh in HARSH:
            failed += _tell(harsh.__name__, lambda check=harsh: check(trial))
    return 1 if failed else 0


def _tell(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except (AssertionError, ModelError, ChildLostError, ValueError, OSError) as error:
        print(f"FAILED {name.replace('_', ' ')}: {type(error).__name__} {error}")
        return True
    print(f"ok     {name.replace('_', ' ')}")
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
