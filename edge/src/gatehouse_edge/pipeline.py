"""The agent on one page: sources -> gate -> inference -> tracking -> rules -> outbox -> transport.

    Watch     one camera: every frame of its source through gate, inference and tracking (a `Sight`); its own thread
    Judgment  all cameras and sensors together: rules, release windows, then rows on disk before anything is sent; one thread

Time    one timeline for all: monotonic seconds in `run`, media time in `analyze`. Nobody here asks a clock.
Bounds  what waits to be accepted is accepted at every `commit`, at most TAKEN_MAX observations after it came.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
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
from gatehouse_edge.rules.observations import Moment, Observation, SourceUp, Tick
from gatehouse_edge.rules.release_count import CountWindow
from gatehouse_edge.rules.release_desk import ReleaseDesk, WindowsState
from gatehouse_edge.rules.release_flow import FlowWindow
from gatehouse_edge.rules.ruleset import RuleSet, RulesKept
from gatehouse_edge.values import Finding, Frame, GatewayLoad, Reading, SourceHealth, Tracks
from gatehouse_shared.events import Event

TAKEN_MAX: Final = 10_000
WAITING_MAX: Final = 1_000
KEEP_EVERY_S: Final = 30.0
"""Open windows and rules are written with every row, and this often without one."""
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


class Look:
    """A Sight: the watchers, the gate, the model and the tracker of one colour camera.

    `inferred` counts frames that the model saw.
    """

    def __init__(
        self,
        gate: Gate,
        detector: Detector,
        tracker: FrameTracker,
        watchers: tuple[FrameWatcher, ...] = (),
    ) -> None:
        self._gate, self._detector, self._tracker = gate, detector, tracker
        self._watchers = watchers
        self.inferred = 0

    def see(self, frame: Frame) -> tuple[Observation, ...]:
        """The tracks of a frame. Where nothing moved since an empty picture it is empty still; a flash of light says nothing."""
        noticed = tuple(said for watcher in self._watchers for said in watcher.watch(frame))
        answer = self._gate.step(frame, tracks_alive=self._tracker.alive)
        if answer.infer:
            self.inferred += 1
            detections = self._detector.detect(frame.pixels)  # type: ignore[arg-type]
            return (*noticed, self._tracker.follow(detections, frame))
        return (*noticed, *self._unlooked(answer, frame))

    def close(self) -> None:
        """Let go of the model."""
        self._detector.close()

    def _unlooked(self, answer: GateAnswer, frame: Frame) -> tuple[Observation, ...]:
        if answer.reason != STILL:
            return (SourceUp(frame.device),)
        height, width = frame.pixels.shape[:2]
        return (Tracks(frame.device, frame.at, frame.time, width, height, ()),)


@dataclass(slots=True)
class _Said:
    """What was said since the last commit."""

    findings: list[Finding] = field(default_factory=list[Finding])
    windows: list[CountWindow | FlowWindow] = field(default_factory=list[CountWindow | FlowWindow])
    readings: list[Reading] = field(default_factory=list[Reading])
    flows: bool = False
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
        self._kept_at = now.at
        was = read_kept(ledger.kept(RULES_KEY), RulesKept)
        self._state, ended = (rules.start(), ()) if was is None else rules.resume(was, now)
        self._said.findings += ended
        self._windows = read_kept(ledger.kept(WINDOWS_KEY), WindowsState) or desk.start()

    def take(self, observation: Observation, now: Moment) -> tuple[Event, ...]:
        """One observation through rules and windows. Rows come of it at the next `commit`, or now when too much waits."""
        before = self._state
        self._state, judged = self._rules.step(before, observation, now)
        for witness in self._witnesses:
            witness.heard(Heard(observation, now, before, self._state, judged))
        self._windows, windows = self._desk.step(self._windows, judged.counts, judged.tallies, now)
        said = self._said
        said.findings += judged.findings
        said.windows += windows
        said.flows = said.flows or bool(judged.tallies)
        said.taken += 1
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
        changed = bool(said.findings or said.windows or said.flows)
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
        return bool(self._said.findings or self._said.windows)

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


def read_kept(kept: bytes | None, kind: type[T]) -> T | None:
    """What an earlier process kept. None where there is nothing, or nothing that reads (another version wrote it)."""
    if kept is None:
        return None
    try:
        return msgspec.json.decode(kept, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
