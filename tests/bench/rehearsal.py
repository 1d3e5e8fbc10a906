"""What a rehearsal of a week costs: `./dev bench rehearsal`.

A gateway with eight cameras of four zones each, a thermal camera and a door, told made-up stories: by day people walk about in
half of the minutes, cars stop in the lane and a crowd gathers; at night nobody comes. The agent's own rules and writer keep
`PIECE_S` of each. The week is laid out of those pieces, so the figures say what reading and judging cost, not making.

`one_rule_s`: seconds of the wall clock for one rule with another parameter; `every_rule_s`: for all rules, with nothing changed.
`peak_mib`: the greatest resident set of any one process.
"""

from __future__ import annotations

import io
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from gatehouse_edge.app.rehearse import rehearsed
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.history.block import Block
from gatehouse_edge.history.changes import changed_site
from gatehouse_edge.history.recorder import BLOCK_S
from gatehouse_edge.history.setup import by_sample, setup_of, write_setup
from gatehouse_edge.history.store import Bounds, SignalStore
from gatehouse_edge.history.writing import BlockWriter
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import Looked, Moment, Observation, PictureQuality, Tick
from gatehouse_edge.values import Reading, ThermalSample, Track, TrackId, Tracks
from gatehouse_shared.names import Label
from gatehouse_shared.site import Site, decode_site
from gatehouse_testing.dev.bench import Figure

CAMERAS, FPS = 8, 5
PIECE_S, DAYS = 1200, 7
WIDTH, HEIGHT = 640, 480
START = datetime(2026, 3, 2, tzinfo=UTC)
ZONES: Final = {
    "square": ("moving", 0.0),
    "fence": ("perimeter", 0.25),
    "lane": ("lane", 0.5),
    "hall": ("moving", 0.75),
}
KINDS: Final = {
    "crowd": ("crowd_density", "square"),
    "walk": ("perimeter_intrusion", "fence"),
    "stay": ("dwell", "fence"),
    "free": ("lane_blocked", "lane"),
    "full": ("crowd_density", "hall"),
}
Told = Iterator[tuple[Moment, Observation]]


def figures() -> dict[str, Figure]:
    """All figures of a rehearsal."""
    with tempfile.TemporaryDirectory() as folder:
        config = gateway(Path(folder))
        minutes = week(config, Path(folder) / "signals.db")
        mib = (Path(folder) / "signals.db").stat().st_size / 2**20
        out = {
            "one_rule_s": _timed(config, ["lane_0_free.warn_s=120"], "<= 60", minutes),
            "every_rule_s": _timed(config, [], "<= 300", minutes),
            "file_mib": _figure(mib, "MiB", None, "what a week takes on disk"),
        }
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(one).ru_maxrss for one in who) / 1024
    return {**out, "peak_mib": _figure(peak, "MiB", None, "greatest of any one process")}


def _timed(config: Config, settings: Sequence[str], goal: str, minutes: int) -> Figure:
    changed = changed_site(config.site, None, settings, "--set")
    began = time.perf_counter()
    result = rehearsed(config, changed, DAYS, config.path("signals.db"), io.StringIO())
    took_s = time.perf_counter() - began
    said = sum(len(one.after) for one in result.outcomes)
    how = f"{minutes} kept minutes, {len(result.outcomes)} rules, {said} hazards"
    return _figure(took_s, "s", goal, how)


def _figure(value: float, unit: str, goal: str | None, how: str) -> Figure:
    met = None if goal is None else value <= float(goal.split()[1])
    return {"value": value, "unit": unit, "goal": goal, "met": met, "how": how}


def gateway(folder: Path) -> Config:
    """A gateway's folder without any camera to open."""
    (folder / "site.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(site())))
    file = {"gateway": "gw_1", "site_file": "site.yaml", "hub": {"url": "mqtt://127.0.0.1:1883"}}
    (folder / "gateway.yaml").write_text(yaml.safe_dump(file))
    return load_config(folder / "gateway.yaml")


def site() -> Site:
    """Eight cameras with four zones each, a thermal camera and a door."""
    devices = [*(f"cam_{n}" for n in range(CAMERAS)), "thermal_1", "contact_1"]
    kinds = [*["camera"] * CAMERAS, "thermal", "contact"]
    homes = [*(f"square_{n}" for n in range(CAMERAS)), "shed", "lobby"]
    names = [f"{name}_{n}" for n in range(CAMERAS) for name in ZONES]
    tree: dict[str, Any] = {
        "site": "week",
        "name": {"en": "Week"},
        "time_zone": "Europe/Berlin",
        "zones": [
            *(_zone(name, ZONES[name.rsplit("_", 1)[0]][0]) for name in names),
            _zone("shed", "shed"),
            _zone("lobby", "door"),
        ],
        "views": [_view(n, name) for n in range(CAMERAS) for name in ZONES],
        "schedules": [{"id": "night", "hours": ["22:00-06:00"], "days": ["mon", "wed", "fri"]}],
        "rules": [
            *(_rule(n, key) for n in range(CAMERAS) for key in KINDS),
            {"id": "shed_hot", "kind": "thermal_hotspot", "zone": "shed", "device": "thermal_1"},
            {"id": "door", "kind": "door_held", "zone": "lobby", "device": "contact_1"},
        ],
        "devices": [
            {"id": d, "kind": k, "zone": z, "at": [0.0, 0.0], "gateway": "gw_1"}
            for d, k, z in zip(devices, kinds, homes, strict=True)
        ],
    }
    return decode_site(tree)


def _zone(name: str, kind: str) -> dict[str, Any]:
    polygon = [[0.0, 0.0], [8.0, 0.0], [8.0, 6.0], [0.0, 6.0]]
    words = {"id": name, "name": {"en": name}, "kind": kind, "serves": "shared"}
    return {**words, "polygon": polygon}


def _view(camera: int, zone: str) -> dict[str, Any]:
    top = ZONES[zone][1]
    polygon = [[0.0, top], [1.0, top], [1.0, top + 0.25], [0.0, top + 0.25]]
    return {"device": f"cam_{camera}", "zone": f"{zone}_{camera}", "polygon": polygon}


def _rule(camera: int, key: str) -> dict[str, Any]:
    kind, zone = KINDS[key]
    name, device = f"{zone}_{camera}_{key}", f"cam_{camera}"
    more = {"schedule": "night"} if key in {"walk", "stay"} and camera % 2 else {}
    return {"id": name, "kind": kind, "zone": f"{zone}_{camera}", "device": device, **more}


def week(config: Config, path: Path) -> int:
    """A week of kept minutes in a file; how many."""
    rules = build_rules(config.site, "gw_1")
    pieces = {busy: _piece(config.site, busy) for busy in (0.0, 0.3, 1.0)}
    setup, written = write_setup(setup_of(config.site, rules)), 0
    bounds = Bounds(days=10**4, max_bytes=2**40, free_least_bytes=0)
    with closing(SignalStore(path, bounds, setup, _cs(0))) as store:
        for start in range(0, DAYS * 86_400, PIECE_S):
            hour = start // 3600 % 24
            for block in pieces[0.0 if hour < 6 else 0.3 if hour < 9 or hour > 18 else 1.0]:
                at_cs = block.at_cs + start * 100
                said = [
                    msgspec.structs.replace(s, time_ms=s.time_ms + start * 1000) for s in block.said
                ]
                moved = msgspec.structs.replace(
                    block, at_cs=at_cs, time_cs=_cs(at_cs / 100), said=said
                )
                written += store.write(moved, moved.time_cs + round(BLOCK_S * 100)) > 0
    return written


def _cs(at: float) -> int:
    return round((START.timestamp() + at) * 100)


def _piece(site: Site, busy: float) -> list[Block]:
    """Some minutes of the agent's rules at work, as they are kept."""
    rules = build_rules(site, "gw_1")
    sampled = by_sample(site, rules)
    state, writer, blocks = rules.start(), BlockWriter(sampled), list[Block]()
    for now, observation in _told(busy):
        if writer.at_s is not None and now.at - writer.at_s >= BLOCK_S:
            blocks += [block] if (block := writer.built()) is not None else []
            writer = BlockWriter(sampled)
        before = state
        state, judged = rules.step(before, observation, now)
        writer.take(Heard(observation, now, before, state, judged))
    last = writer.built()
    return blocks if last is None else [*blocks, last]


def _told(busy: float) -> Told:
    for step in range(PIECE_S * FPS):
        base = step / FPS
        for camera in range(CAMERAS):
            at = base + 0.003 * camera + 0.004 * (step * 7 % 5)
            time_ = START + timedelta(seconds=at)
            now = Moment(at, time_ + timedelta(milliseconds=120))
            device = f"cam_{camera}"
            seen = tuple(_people(camera, base, busy))
            yield now, Tracks(device, at, time_, WIDTH, HEIGHT, seen)
            if step % FPS == 0:
                yield now, Looked(device, at, time_, float(FPS), 1.0)
                yield now, PictureQuality(device, at, time_, learned=True)
        at = base + 0.06
        now = Moment(at, START + timedelta(seconds=at))
        hot = 24.0 + 3 * sin(base / 300) + 0.01 * (step * 13 % 7)
        yield now, ThermalSample("thermal_1", "shed", at, now.time, hot, 21.0, None, 40)
        if step % (60 * FPS) == 0:
            yield now, Reading("contact_1", now.time, at, state=step % (120 * FPS) == 0)
        if step % FPS == 0:
            yield Moment(at, now.time), Tick()


def _people(camera: int, at: float, busy: float) -> Iterator[Track]:
    """Who is in the picture: walkers in some minutes, a crowd in few, a car that stops in the lane."""
    minute = int(at) // 60
    if (minute * 7 + camera * 3) % 10 >= 5 * busy:
        return
    many = round(busy * (24 if minute % 9 == camera else 3))
    for n in range(many):
        x = (0.05 + 0.11 * n + 0.02 * at) % 1.0
        y = (0.2 + 0.23 * n + 0.001 * (at % 60)) % 0.99
        yield _box(n, Label.PERSON, (x, y), (0.03, 0.15))
    if minute % 5 == 2:
        yield _box(99, Label.CAR, (0.5, 0.7), (0.25, 0.2))


def _box(n: int, label: Label, foot: tuple[float, float], size: tuple[float, float]) -> Track:
    x, y, wide, tall = foot[0] * WIDTH, foot[1] * HEIGHT, size[0] * WIDTH, size[1] * HEIGHT
    return Track(TrackId(n), label, 0.9, (x - wide, y - tall, x + wide, y), 5.0, 9, seen=True)
