"""The real agent over looping recordings as live cameras, watched from outside: memory, processes, processor time by stage."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatehouse_testing.gateway_files import write_gateway
from gatehouse_testing.usage import cpu_s, descendants, heap_mib, pss_mib

EVERY_S = 1.0
WARM_S = 10.0
"""Processor time is counted from here on: before, models and libraries are loaded."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the running agent."""

    at_s: float
    pss_mib: float
    heap_mib: float
    processes: int


def watch(
    clip: Path, cameras: int, seconds: float, *, model: str = "yolox_nano", rate_fps: float = 5.0
) -> tuple[list[Sample], dict[str, float]]:
    """Samples of an agent with so many cameras, and the cores that it used, by stage. Raises ValueError when it ends by itself.

    The recording is taken as 25 frames a second, as cameras send them, whatever its own rate.
    """
    camera = {
        "source": {"url": f"file:{clip}", "loop": True, "native_fps": 25},
        "rate_fps": rate_fps,
        "model": model,
    }
    with tempfile.TemporaryDirectory() as room:
        config = write_gateway(Path(room), cameras, camera)
        with running(config) as agent:
            samples: list[Sample] = []
            pause, began_s = threading.Event(), time.monotonic()
            warm: dict[str, float] = {}
            warm_s = 0.0
            while (at_s := time.monotonic() - began_s) < seconds:
                pause.wait(EVERY_S)
                if agent.poll() is not None:
                    raise ValueError(f"the agent ended with {agent.returncode}")
                family = descendants(agent.pid)
                samples.append(Sample(at_s, pss_mib(family), heap_mib(family), len(family)))
                if not warm and at_s >= min(WARM_S, seconds / 3):
                    warm, warm_s = spent(agent.pid), time.monotonic()
            passed_s = time.monotonic() - warm_s
            after = spent(agent.pid)
            return samples, {k: (v - warm.get(k, 0.0)) / passed_s for k, v in after.items()}


def spent(agent: int) -> dict[str, float]:
    """Processor seconds of a running agent so far, by kind of process."""
    found = {"agent": cpu_s(agent), "decode": 0.0, "inference": 0.0}
    for child in descendants(agent)[1:]:
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        found["inference" if b"inference" in command else "decode"] += cpu_s(child)
    return found


@contextmanager
def running(config: Path) -> Generator[subprocess.Popen[bytes]]:
    """`gatehouse-edge run`, ended by SIGTERM."""
    program = Path(sys.executable).with_name("gatehouse-edge")
    agent = subprocess.Popen([program, "run", "--config", config], stderr=subprocess.DEVNULL)
    try:
        yield agent
    finally:
        agent.terminate()
        agent.wait(30)
