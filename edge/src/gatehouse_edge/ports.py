"""What the pipeline needs from the outside, as protocols. Adapters implement them; `app.py` chooses the adapters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.release_count import CountWindow
from gatehouse_edge.rules.release_flow import FlowWindow
from gatehouse_edge.rules.ruleset import Judged, RulesState
from gatehouse_edge.values import (
    Detection,
    Draft,
    Finding,
    Frame,
    GatewayLoad,
    KeptRow,
    Reading,
    SourceHealth,
    StreamMark,
    Tracks,
)
from gatehouse_shared.events import ClockState, Event
from gatehouse_shared.names import Lane


class Clock(Protocol):
    """Wall and monotonic time, so that tests and `analyze` can bring their own."""

    def now(self) -> datetime:
        """Aware UTC now."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    def synced(self) -> bool:
        """Whether a time source has set the wall clock."""
        ...


class FrameSource(Protocol):
    """Frames of one camera, decoded in a child process.

    Live sources (RTSP, USB, scene) hand over the latest frame only; recorded ones hand over every frame asked for.
    """

    device: str

    def frames(self) -> Iterator[Frame]:
        """Frames in order of `at`. Ends when a recorded source ends. Raises SourceError when the source is gone."""
        ...

    def health(self) -> SourceHealth:
        """How the source does now."""
        ...

    def close(self) -> None:
        """Ends the child process; idempotent."""
        ...


class Detector(Protocol):
    """A model behind a manifest. Fed whole frames only, never the region of a detection."""

    name: str

    def look(self, frame: Frame) -> tuple[Detection, ...]:
        """Detections in a colour frame, boxes in its pixels, best score first. The frames of a camera one after another."""
        ...

    def close(self) -> None:
        """Ends the inference process; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What the rules said in one breath, to be accepted together. `state` is what must be on disk with it."""

    findings: tuple[Finding, ...] = ()
    windows: tuple[CountWindow | FlowWindow, ...] = ()
    readings: tuple[Reading, ...] = ()
    cameras: tuple[SourceHealth, ...] = ()
    gateway: GatewayLoad | None = None
    state: Mapping[str, bytes] | None = None


class Gate(Protocol):
    """Which frames of one camera are worth inferring."""

    def step(self, frame: Frame, *, tracks_alive: bool, settled: bool) -> GateAnswer:
        """The answer for one frame; give it every frame, in order. `settled`: all tracks are sure, and seen in the last look."""
        ...


class GateAnswer(Protocol):
    """`infer`; `reason` is counted."""

    @property
    def infer(self) -> bool:
        """Whether the model should see it."""
        ...

    @property
    def reason(self) -> str:
        """Why, or why not."""
        ...


class FrameTracker(Protocol):
    """The tracker of one camera."""

    @property
    def alive(self) -> bool:
        """Whether it follows something."""
        ...

    @property
    def settled(self) -> bool:
        """Whether all that it follows is confirmed and was there in the last look."""
        ...

    def follow(self, detections: tuple[Detection, ...], frame: Frame) -> Tracks:
        """The tracks after one inferred frame."""
        ...


class Sight(Protocol):
    """Gate, model and tracker of one camera: what rules may know of a frame."""

    def see(self, frame: Frame) -> tuple[Observation, ...]:
        """Tracks or zone temperatures; raises ModelError when the model gives nothing."""
        ...

    def close(self) -> None:
        """Ends the model's process when nobody else needs it; idempotent."""
        ...


class FrameWatcher(Protocol):
    """Looks at every frame of one camera beside the model: is the picture sound, does something flicker, what is background."""

    @property
    def least_fps(self) -> float:
        """Frames a second that it needs, whatever the model's rate; 0 when it takes what comes."""
        ...

    def watch(self, frame: Frame) -> tuple[Observation, ...]:
        """What it has to say of this frame, mostly nothing. May not keep `frame.pixels`, which the next frame overwrites."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """One step of the rules: what they were told and when, what they remembered before and after, and what they said."""

    observation: Observation
    now: Moment
    before: RulesState
    after: RulesState
    judged: Judged


class Witness(Protocol):
    """Watches the rules at work: to keep their signals, or to explain what they said. Never changes a step."""

    def heard(self, step: Heard) -> None:
        """After each step. Must not raise."""
        ...


class Ledger(Protocol):
    """Makes rows of what was said and puts them where rows go, all or nothing."""

    def accept(self, batch: Batch, now: Moment) -> tuple[Event, ...]:
        """The rows that came of it, committed. Raises OutboxError."""
        ...

    def kept(self, key: str) -> bytes | None:
        """What was kept under `key` by an earlier batch, or an earlier process."""
        ...


class RowSink(Protocol):
    """Where accepted rows go: the outbox in `run`, a file in `analyze`."""

    @property
    def epoch(self) -> str:
        """The epoch that takes new rows."""
        ...

    def next_seq(self, lane: Lane) -> int:
        """The number that the next row of a lane will get."""
        ...

    def state(self, key: str) -> bytes | None:
        """What was kept under `key`."""
        ...

    def append(
        self, drafts: Sequence[Draft], state: Mapping[str, bytes], now: datetime, clock: ClockState
    ) -> tuple[Event, ...]:
        """Number the drafts and keep them together with `state`, all or nothing. Raises OutboxError."""
        ...


class RowStore(Protocol):
    """The sending side of the outbox. One thread; see `outbox/store.py` for what each does."""

    @property
    def epoch(self) -> str:
        """The epoch that takes new rows."""
        ...

    def marks(self) -> tuple[StreamMark, ...]:
        """Every lane of every epoch: the current epoch first, alarms before bulk."""
        ...

    def waiting(
        self, epoch: str, lane: Lane, after: int, limit: int, max_bytes: int
    ) -> tuple[KeptRow, ...]:
        """Rows beyond `after`, in order."""
        ...

    def ack(self, epoch: str, upto: Mapping[Lane, int], now: datetime) -> None:
        """The hub has accounted for everything up to these numbers."""
        ...

    def restore(self, epoch: str, upto: Mapping[Lane, int], now: datetime) -> None:
        """The hub was restored and holds only up to these numbers."""
        ...

    def start_epoch(self, now: datetime, *, reissue: Sequence[tuple[Lane, int]] = ()) -> int:
        """The file was rolled back: say again what was never acknowledged, in a new epoch."""
        ...

    def reissue(self, epoch: str, lane: Lane, seq: int, now: datetime) -> bool:
        """Say one row of a closed epoch again."""
        ...

    def is_gap(self, epoch: str, lane: Lane, seq: int) -> bool:
        """Whether the row under this number is a gap."""
        ...

    def refuse(self, epoch: str, lane: Lane, seqs: Sequence[int], now: datetime) -> tuple[int, ...]:
        """The hub could not read a message of these rows; the numbers that became gaps."""
        ...

    def on_wire(self, epoch: str, lane: Lane, upto: int, now: datetime) -> None:
        """Rows up to here are about to be published. Raises OutboxError when that cannot be noted: then they must not be."""
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """Connection `conn` is up and subscribed."""

    conn: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Connection `conn` ended, or never came up. `reason` is for the log."""

    conn: int
    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message came in on connection `conn`."""

    conn: int
    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Puback:
    """The broker took a publish; a free place, and no promise."""

    conn: int
    mid: int


LinkEvent = Connected | Lost | Received | Puback


class Link(Protocol):
    """A connection to the broker that comes back by itself."""

    @property
    def conn(self) -> int:
        """The number of the connection of now."""
        ...

    @property
    def up(self) -> bool:
        """Whether there is one."""
        ...

    @property
    def places(self) -> int:
        """How many publishes may go out now."""
        ...

    def poll(self) -> tuple[LinkEvent, ...]:
        """What was heard since the last call."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand one message over; False when it cannot go now."""
        ...

    def close(self, *, farewell: tuple[str, bytes] | None = None) -> None:
        """End it for good, after a last retained message."""
        ...
