"""`analyze`: the whole pipeline over a recording, in media time. Same input, same bytes.

Epoch    comes from the input (site, gateway, device, model, start and the recording's own bytes) instead of chance.
Time     frame times of the recording, from `start` on; a tick each second of it.
Rows     numbered and checked as in the outbox, written as lines that carry `evaluation: true`, which no hub takes in.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TextIO

import msgspec

from gatehouse_edge.app.explain import Beside, witnesses
from gatehouse_edge.app.integrity import unwatched
from gatehouse_edge.app.plugins import DirectPlugins
from gatehouse_edge.clock import FixedClock, SystemClock
from gatehouse_edge.config import Config, anchored
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.pipeline import Judgment, watch
from gatehouse_edge.rules.build import build_release, build_rules
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_edge.sources.opening import RECORDED_AT, open_source
from gatehouse_edge.sources.spec import SourceSpec
from gatehouse_edge.values import Draft, Frame
from gatehouse_shared.events import ClockState, Event
from gatehouse_shared.instants import floor_time
from gatehouse_shared.names import Lane
from gatehouse_shared.offline import encode_line
from gatehouse_shared.wire import build_event

COMMIT_EVERY_S = 1.0
LATE = timedelta(seconds=5)
"""Windows wait a little for counts that lag; so long after its end each is closed."""
PROGRESS_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What to analyse: `source` an address or a path; `fps` re-times it; `device` whose views and lines hold; `model` looks."""

    source: str
    out: Path
    start: datetime | None = None
    fps: float | None = None
    device: str | None = None
    model: str | None = None
    beside: Beside = field(default_factory=Beside)


@dataclass(frozen=True, slots=True)
class Analysed:
    """What came of it."""

    frames: int
    events: int
    media_s: float
    took_s: float


class LineSink:
    """A RowSink that writes lines."""

    def __init__(self, config: Config, epoch: str, out: IO[bytes]) -> None:
        self.epoch, self._config, self._out = epoch, config, out
        self._last = dict.fromkeys(Lane, 0)
        self._state: dict[str, bytes] = {}
        self.written = 0

    def next_seq(self, lane: Lane) -> int:
        """The number that the next row of a lane will get."""
        return self._last[lane] + 1

    def state(self, key: str) -> bytes | None:
        """What was kept by an earlier batch."""
        return self._state.get(key)

    def append(
        self, drafts: Sequence[Draft], state: Mapping[str, bytes], now: datetime, clock: ClockState
    ) -> tuple[Event, ...]:
        """Number and write. The clock of now is that of the frames."""
        del now
        self._state.update(state)
        return tuple(self._write(draft, clock) for draft in drafts)

    def _write(self, draft: Draft, clock: ClockState) -> Event:
        self._last[draft.lane] += 1
        event = build_event(
            site=self._config.site.site,
            gateway=self._config.file.gateway,
            epoch=self.epoch,
            lane=draft.lane,
            seq=self._last[draft.lane],
            time=draft.time,
            clock=clock,
            data=draft.data,
        )
        if draft.subject is not None:
            event = msgspec.structs.replace(event, subject=draft.subject)
        self._out.write(encode_line(event) + b"\n")
        self.written += 1
        return event


class _Run:
    """One recording under way: ticks between its frames, commits once a second of its time."""

    def __init__(self, judgment: Judgment, plugins: DirectPlugins, progress: _Progress) -> None:
        self._judgment, self._plugins, self._progress = judgment, plugins, progress
        self._ticked: Moment | None = None
        self._committed_at = float("-inf")
        self.frames = 0
        self.last: Moment | None = None

    def tell(self, frame: Frame, observations: tuple[Observation, ...]) -> None:
        now = Moment(frame.at, frame.time)
        self.frames += 1
        self._tick_until(now)
        for observation in observations:
            self._judgment.take(observation, now)
        for sample in self._plugins.samples():
            self._judgment.take(sample, now)
        if now.at - self._committed_at >= COMMIT_EVERY_S:
            self._judgment.commit(now)
            self._committed_at = now.at
        self.last = now
        self._progress.say(self.frames, now.at)

    def _tick_until(self, now: Moment) -> None:
        """A tick for each second of media time, also over frames that are missing."""
        ticked = self._ticked or now
        while now.at - ticked.at >= 1.0:
            ticked = Moment(ticked.at + 1.0, ticked.time + timedelta(seconds=1))
            self._judgment.tick(ticked)
        self._ticked = ticked

    def finish(self) -> None:
        if self.last is not None:
            self._judgment.tick(self.last)
            minute = timedelta(seconds=60)
            end = floor_time(self.last.time, 60) + minute + LATE
            self._judgment.close_windows(
                Moment(self.last.at + (end - self.last.time).total_seconds(), end)
            )
            self._judgment.commit(self.last)


class _Progress:
    """A line on `stream` every few seconds of real time."""

    def __init__(self, stream: TextIO, clock: SystemClock) -> None:
        self._stream, self._clock = stream, clock
        self._due_s = clock.monotonic_s() + PROGRESS_EVERY_S

    def say(self, frames: int, at: float) -> None:
        if self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + PROGRESS_EVERY_S
            self._stream.write(f"analyze: {frames} frames, {at:.0f} s of the recording\n")
            self._stream.flush()


def analyze(config: Config, wish: Wish, *, progress: TextIO = sys.stderr) -> Analysed:
    """Run the pipeline over a recording and write its events. Raises ConfigError, SourceError and ModelError."""
    from gatehouse_edge.app.sight import Models, source_for  # noqa: PLC0415 - needs the vision extra

    clock = SystemClock()
    began_s = clock.monotonic_s()
    device = choose_device(config, wish.device)
    spec = recorded_spec(config, device, wish)
    model = wish.model or config.file.cameras[device].model
    start = spec.recorded_at or RECORDED_AT
    media = FixedClock(start)
    rate_fps = spec.rate_fps or spec.native_fps or 5.0
    rules = rules_of(config, device)
    with (
        closing(Models(config, seed=lambda: 0, threads=1, recorded=True)) as models,
        closing(models.sight(device, model, rate_fps)) as sight,
        closing(
            open_source(
                device, source_for(spec, sight), live=False, clock=media, seeds=config.seeds
            )
        ) as source,
        closing(DirectPlugins(config, device)) as plugins,
        wish.out.open("wb") as out,
        witnesses(config, rules, wish.beside) as beside,
    ):
        sink = LineSink(config, epoch_of(config, device, model, spec), out)
        judgment = Judgment(
            rules,
            build_release(config.site, config.file.gateway),
            RowLedger(config.site, config.file.gateway, sink),
            Moment(0.0, start),
            (plugins, *beside),
        )
        run = _Run(judgment, plugins, _Progress(progress, clock))
        watch(source, sight, run.tell)
        run.finish()
    media_s = run.last.at if run.last is not None else 0.0
    return Analysed(run.frames, sink.written, media_s, clock.monotonic_s() - began_s)


def rules_of(config: Config, device: str) -> RuleSet:
    """The rules that watch by this device: the silence of all others says nothing here."""
    rules = build_rules(
        config.site, config.file.gateway, config.file.plugins.judged, unwatched(config)
    )
    own = {name: rule for name, rule in rules.rules.items() if rule.binding.device == device}
    return replace(rules, rules=own)


def choose_device(config: Config, wished: str | None) -> str:
    """The camera whose views and lines hold for the recording."""
    cameras = list(config.file.cameras)
    if wished is None and len(cameras) == 1:
        return cameras[0]
    if wished is None or wished not in cameras:
        what = (
            "which camera took it is not said"
            if wished is None
            else f"there is no camera {wished!r}"
        )
        raise ConfigError(
            what,
            place="--device",
            remedy=f"Use one of: {', '.join(cameras) or 'none is configured'}",
        )
    return wished


def recorded_spec(config: Config, device: str, wish: Wish) -> SourceSpec:
    """The camera's source options with the recording's address, and what the command line says of its time."""
    spec = config.source(device)
    spec = msgspec.structs.replace(
        anchored(SourceSpec(url=wish.source), Path.cwd()),
        rate_fps=spec.rate_fps if wish.fps is None else None,
        native_fps=wish.fps or spec.native_fps,
        scale_c=spec.scale_c,
        offset_c=spec.offset_c,
        uncalibrated=spec.uncalibrated,
        array=spec.array,
        hold_s=spec.hold_s,
        privacy=spec.privacy,
    )
    return msgspec.structs.replace(spec, recorded_at=wish.start or RECORDED_AT)


def epoch_of(config: Config, device: str, model: str, spec: SourceSpec) -> str:
    """16 hex that this input always gets: from its bytes where it is a file, else from its address."""
    digest = hashlib.sha256()
    for word in (config.site.site, config.file.gateway, device, model, str(spec.recorded_at)):
        digest.update(word.encode() + b"\0")
    path = Path(spec.url.removeprefix("file:"))
    if path.is_file():
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    else:
        digest.update(Path(spec.url).name.encode())
    return digest.hexdigest()[:16]
