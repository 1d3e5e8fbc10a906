"""The agent on one page: sources -> gate -> inference -> tracking -> rules -> outbox -> transport.

    Watch     one camera: every frame of its source through gate, inference and tracking (a `Sight`); its own thread
    Judgment  all cameras and sensors together: rules, release windows, then rows on disk before anything is sent; one thread

Time    one timeline for all: monotonic seconds in `run`, media time in `analyze`. Nobody here asks a clock.
Bounds  what waits to be accepted is accepted at every `commit`, at most TAKEN_MAX observations after it came.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import floor
from typing import Final, TypeVar

import msgspec

from gatehouse_edge.errors import OutboxError
from gatehouse_edge.ports import (
    Batch,
    Detector,
    FrameSource,
    FrameTracker,
    FrameWatcher,
    Gate,
    GateAnswer,
    Heard,
    Ledger,
    Sight,
    Witness,
)
from gatehouse_edge.rules.observations import DrillOrder, Moment, Observation, SourceUp, Tick
from gatehouse_edge.rules.release_count import CountWindow
from gatehouse_edge.rules.release_desk import ReleaseDesk, WindowsState
from gatehouse_edge.rules.release_flow import FlowWindow
from gatehouse_edge.rules.ruleset import RuleSet, RulesKept
from gatehouse_edge.values import Finding, Frame, GatewayLoad, Reading, SourceHealth, Tracks
from gatehouse_shared.events import Event
from gatehouse_shared.names import Phase

TAKEN_MAX: Final = 10_000
WAITING_MAX: Final = 1_000
KEEP_EVERY_S: Final = 30.0
"""Open windows and rules are written with every row, and this often without one."""
STEPPED: Final = timedelta(seconds=60)
"""What is judged this much later or earlier than it can have been was seen under another clock."""
ROUNDING_S: Final = 1e-6
STILL: Final = "still"
"""What a gate says of a picture in which nothing changed."""
T = TypeVar("T")
RULES_KEY: Final = "rules"
WINDOWS_KEY: Final = "windows"


def watch(
    source: FrameSource, sight: Sight, tell: Callable[[Frame, tuple[Observation, ...]], None]
) -> None:
    """One camera to its end: each frame is seen, and what was seen is told. Raises SourceError and ModelError."""
    for frame in source.frames():
        tell(frame, sight.see(frame))


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be said of a frame without the model, and whether the model should look at it."""

    said: tuple[Observation, ...]
    wanted: bool = False


class Look:
    """A Sight: the watchers, the gate, the model and the tracker of one colour camera.

    `see` is `glance`, then `look` where the glance wants it. Where the looks of several cameras take turns, one thread glances at
    the frames of a camera and another may look at one of them meanwhile: nothing but the tracker's last word is shared.

    `rate_fps`: frames a second that the gate and the model see; None for all that come, when the source has just this rate.
    `inferred` counts frames that the model saw, `answered` those for which the gate's answer was enough.
    """

    def __init__(
        self,
        gate: Gate,
        detector: Detector,
        tracker: FrameTracker,
        watchers: tuple[FrameWatcher, ...] = (),
        *,
        rate_fps: float | None = None,
    ) -> None:
        self._gate, self._detector, self._tracker = gate, detector, tracker
        self._watchers = watchers
        self._rate_fps, self._span = rate_fps, -1
        self._last: Tracks | None = None
        self.inferred = self.answered = 0

    @property
    def least_fps(self) -> float:
        """Frames a second that the watchers need; 0 when they take what comes."""
        return max((watcher.least_fps for watcher in self._watchers), default=0.0)

    def see(self, frame: Frame) -> tuple[Observation, ...]:
        """What the watchers say, and the tracks of a frame that is due; a flash of light says nothing."""
        glance = self.glance(frame)
        return (*glance.said, self.look(frame)) if glance.wanted else glance.said

    def glance(self, frame: Frame, *, awaited: bool = False) -> Glance:
        """The watchers' word and the gate's. `awaited`: an earlier frame is still to be looked at, whose tracks come first."""
        noticed = tuple(said for watcher in self._watchers for said in watcher.watch(frame))
        if not self._due(frame.at):
            return Glance(noticed)
        tracker = self._tracker
        answer = self._gate.step(frame, tracks_alive=tracker.alive, settled=tracker.settled)
        if answer.infer:
            return Glance(noticed, wanted=True)
        self.answered += 1
        known = None if awaited else self._unlooked(answer, frame)
        return Glance((*noticed, known or SourceUp(frame.device)))

    def look(self, frame: Frame) -> Tracks:
        """The tracks of a frame, by the model. Raises ModelError."""
        detections = self._detector.look(frame)
        self.inferred += 1
        self._last = self._tracker.follow(detections, frame)
        return self._last

    def close(self) -> None:
        """Let go of the model."""
        self._detector.close()

    def _due(self, at: float) -> bool:
        """Whether this is the first frame of its 1 / rate_fps seconds of media time."""
        if self._rate_fps is None:
            return True
        before, self._span = self._span, floor((at + ROUNDING_S) * self._rate_fps)
        return self._span != before

    def _unlooked(self, answer: GateAnswer, frame: Frame) -> Tracks | None:
        """Where nothing moved, what stood there stands there still. None where that cannot be known."""
        if answer.reason != STILL:
            return None
        height, width = frame.pixels.shape[:2]
        last = self._last
        still = Tracks(frame.device, frame.at, frame.time, width, height, ())
        if last is None or not self._tracker.alive:
            return still
        if (last.width, last.height) != (width, height):
            return None
        passed_s = frame.at - last.at
        stand = tuple(replace(track, age_s=track.age_s + passed_s) for track in last.tracks)
        return replace(still, tracks=stand)


@dataclass(slots=True)
class _Said:
    """What was said since the last commit."""

    findings: list[Finding] = field(default_factory=list[Finding])
    windows: list[CountWindow | FlowWindow] = field(default_factory=list[CountWindow | FlowWindow])
    readings: list[Reading] = field(default_factory=list[Reading])
    flows: bool = False
    ordered: bool = False
    taken: int = 0

    def cut(self) -> None:
        """The disk takes nothing: hazards are kept in memory, the newest WAITING_MAX of them, and windows; readings are let
        go.
        """
        self.findings = self.findings[-WAITING_MAX:]
        self.windows = self.windows[-WAITING_MAX:]
        self.readings = []
        self.taken = 0


class Judgment:
    """Rules and release windows of one gateway, and the ledger that accepts what they say."""

    def __init__(
        self,
        rules: RuleSet,
        desk: ReleaseDesk,
        ledger: Ledger,
        now: Moment,
        witnesses: tuple[Witness, ...] = (),
    ) -> None:
        self._rules, self._desk, self._ledger = rules, desk, ledger
        self._witnesses = witnesses
        self._said = _Said()
        self._hidden: list[Finding] = []
        self._kept_at = now.at
        was = read_kept(ledger.kept(RULES_KEY), RulesKept)
        self._state, ended = (rules.start(), ()) if was is None else rules.resume(was, now)
        self._said.findings += ended
        self._windows = read_kept(ledger.kept(WINDOWS_KEY), WindowsState) or desk.start()

    def take(self, observation: Observation, now: Moment) -> tuple[Event, ...]:
        """One observation through rules and windows. Rows come of it at the next `commit`, or now when too much waits."""
        before = self._state
        self._state, judged = self._rules.step(before, observation, now)
        if self._witnesses:
            step = Heard(observation, now, before, self._state, judged)
            for witness in self._witnesses:
                witness.heard(step)
        self._windows, windows = self._desk.step(self._windows, judged.counts, judged.tallies, now)
        said = self._said
        said.findings += (_dated(finding, now) for finding in judged.findings)
        said.windows += windows
        said.flows = said.flows or bool(judged.tallies)
        said.ordered = said.ordered or isinstance(observation, DrillOrder)
        said.taken += 1
        self._hidden += judged.hidden
        if isinstance(observation, Reading) and observation.quantity is not None:
            said.readings.append(observation)
        return self.commit(now) if said.taken >= TAKEN_MAX else ()

    def add(self, findings: Iterable[Finding]) -> None:
        """What the agent says of itself."""
        self._said.findings += findings

    def commit(
        self,
        now: Moment,
        *,
        cameras: tuple[SourceHealth, ...] = (),
        gateway: GatewayLoad | None = None,
    ) -> tuple[Event, ...]:
        """Accept everything said so far in one transaction; the rows. Raises OutboxError, and then nothing of it is forgotten."""
        said = self._said
        changed = bool(said.findings or said.windows or said.flows or said.ordered)
        due = now.at - self._kept_at >= KEEP_EVERY_S
        batch = Batch(
            findings=tuple(said.findings),
            windows=tuple(said.windows),
            readings=tuple(said.readings),
            cameras=cameras,
            gateway=gateway,
            state=self._kept(now) if changed or due else None,
        )
        try:
            events = self._ledger.accept(batch, now)
        except OutboxError:
            said.cut()
            raise
        self._said = _Said()
        if batch.state is not None:
            self._kept_at = now.at
        return events

    @property
    def urgent(self) -> bool:
        """Whether something was said that should be on disk at once."""
        return bool(self._said.findings or self._said.windows or self._said.ordered)

    def hidden(self) -> tuple[Finding, ...]:
        """What rules under maintenance would have raised since the last call; the newest WAITING_MAX."""
        findings, self._hidden = tuple(self._hidden[-WAITING_MAX:]), []
        return findings

    def close_windows(self, end: Moment) -> None:
        """A recording is over: windows that end by then are let go with what is known of them. Rules hear nothing of it."""
        self._windows, windows = self._desk.step(self._windows, (), (), end)
        self._said.windows += windows

    def tick(self, now: Moment) -> None:
        """Nothing new but the time: call about once a second."""
        self.take(Tick(), now)

    def _kept(self, now: Moment) -> dict[str, bytes]:
        return {
            RULES_KEY: msgspec.json.encode(self._rules.kept(self._state, now)),
            WINDOWS_KEY: msgspec.json.encode(self._windows),
        }


def _dated(finding: Finding, now: Moment) -> Finding:
    """The finding; one that began before the clock was set is dated back from the time that is now thought right."""
    confirm = timedelta(seconds=finding.confirm_s)
    off = now.time - finding.time - confirm
    if finding.phase is not Phase.RAISED or abs(off) < STEPPED:
        return finding
    return replace(finding, time=now.time - confirm)


def read_kept(kept: bytes | None, kind: type[T]) -> T | None:
    """What an earlier process kept. None where there is nothing, or nothing that reads (another version wrote it)."""
    if kept is None:
        return None
    try:
        return msgspec.json.decode(kept, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
