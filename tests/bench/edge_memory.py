"""What a gateway with 1, 4 and 8 cameras needs: `./dev bench edge_memory`.

The real agent (`gatehouse-edge run`) over recordings of 1280x720 that loop as live cameras, 5 frames a second each, YOLOX-Nano,
no broker (rows go to the outbox). Memory: proportional set size of the agent and all its children, the model included, the
largest of the samples of the last SETTLED_S of WATCHED_S. GATEHOUSE_BENCH_MEMORY_S watches one camera for so long (an hour: 3600)
and reports what its anonymous memory grew: the proportional set also grows when others stop using the same libraries.
"""

from __future__ import annotations

import os
from pathlib import Path

from gatehouse_testing.assets import look_in_assets
from gatehouse_testing.dev.bench import Figure
from gatehouse_testing.running_agent import watch
from gatehouse_testing.usage import load

CLIP = "video/hall-720p.avi"
CAMERAS = (1, 4, 8)
BASE_MIB, CAMERA_MIB = 200.0, 60.0
WATCHED_S, SETTLED_S = 45.0, 20.0


def figures() -> dict[str, Figure]:
    """Memory with each number of cameras; growth over a long run where one was asked for."""
    clip = look_in_assets() / CLIP
    if not clip.is_file():
        how = f"not measured: {CLIP} is not in the folder that GATEHOUSE_ASSETS names"
        return {
            f"rss_{n}cam_mib": Figure(value=None, unit="MiB", goal=None, met=None, how=how)
            for n in CAMERAS
        }
    found: dict[str, Figure] = {}
    for cameras in CAMERAS:
        samples, _ = watch(clip, cameras, WATCHED_S)
        settled = [s for s in samples if s.at_s >= WATCHED_S - SETTLED_S]
        value = round(max(s.pss_mib for s in settled), 1)
        goal = BASE_MIB + CAMERA_MIB * cameras
        how = f"PSS of {settled[-1].processes} processes, 720p at 5 fps, load {load():.1f}"
        found[f"rss_{cameras}cam_mib"] = Figure(
            value=value, unit="MiB", goal=f"<= {goal:g}", met=value <= goal, how=how
        )
    return found | growth(clip)


def growth(clip: Path) -> dict[str, Figure]:
    """MiB that one camera's agent grew between the first and the last sixth of a long run."""
    asked_s = float(os.environ.get("GATEHOUSE_BENCH_MEMORY_S", "0"))
    if asked_s <= 0:
        how = "not measured: set GATEHOUSE_BENCH_MEMORY_S=3600"
        return {"rss_growth_mib": Figure(value=None, unit="MiB", goal=None, met=None, how=how)}
    samples, cores = watch(clip, 1, asked_s)
    early = [s.heap_mib for s in samples if asked_s / 6 <= s.at_s < asked_s / 3]
    late = [s.heap_mib for s in samples if s.at_s >= asked_s * 5 / 6]
    grown = round(sum(late) / len(late) - sum(early) / len(early), 2)
    how = (
        f"anonymous memory, mean of the last sixth less the second sixth of {asked_s:.0f} s,"
        f" {sum(cores.values()):.2f} cores used"
    )
    return {
        "rss_growth_mib": Figure(value=grown, unit="MiB", goal="<= 5", met=grown <= 5.0, how=how)
    }
