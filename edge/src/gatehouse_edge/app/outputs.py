"""Sirens, signs and speakers of the site, switched through the local broker when the hub asks: registered payloads only.

Safe    an output is on until a moment, at most its own `longest_s`, by the monotonic clock; then it is switched off, also after a
        restart, and when the agent ends. What was on is written down before it is switched on; a file that does not read
        means that everything is switched off. Off is said again every second until the broker took it.
Honest  what could not be published at once was not done: nothing is switched on later that was asked for earlier.
Bounds  as many outputs and messages as the configuration names.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from gatehouse_edge.app.whole_file import write_whole
from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.settings import MessageSpec, OutputSpec
from gatehouse_edge.transport.requests import Outcome, Switching

FILE_MAX_BYTES: Final = 65_536
Publish = Callable[[str, bytes], bool]
"""Topic and payload to the local broker; False when it cannot be said now."""

log = logging.getLogger(__name__)


class OutputsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is on: when it is to be off by the wall clock, and how many seconds were left of it."""

    format: Literal[1] = 1
    on: dict[str, tuple[datetime, float]] = {}


@dataclass(slots=True)
class Outputs:
    """The outputs of one gateway. One thread; `step` about once a second."""

    path: Path
    outputs: Mapping[str, OutputSpec]
    messages: Mapping[str, MessageSpec]
    publish: Publish
    _off_at: dict[str, float] = field(default_factory=dict[str, float])

    def resume(self, now: Moment) -> None:
        """Take up what was on before a restart; all that is not known for certain is switched off."""
        if not self.outputs:
            return
        was = self._read()
        if was is None:
            log.error("%s does not read: every output is switched off", self.path)
            self._off_at = dict.fromkeys(self.outputs, now.at)
            return
        for device, (ends, left_s) in was.on.items():
            spec = self.outputs.get(device)
            if spec is not None:
                by_clock_s = (ends - now.time).total_seconds() if now.time_known else left_s
                self._off_at[device] = now.at + max(0.0, min(by_clock_s, left_s, spec.longest_s))

    def switch(self, switching: Switching, now: Moment) -> Outcome:
        """On until a moment, or off. `refused` where it lasts too long or the broker does not take it."""
        spec = self.outputs.get(switching.device)
        if spec is None:
            return "unknown"
        if not switching.on or switching.left_s <= 0:
            self._off_at[switching.device] = now.at
            self.step(now)
            return "refused" if switching.device in self._off_at else "done"
        if switching.left_s > spec.longest_s:
            return "refused"
        was = self._off_at.get(switching.device)
        self._off_at[switching.device] = now.at + switching.left_s
        # Written first: an agent that dies in between switches off once too often, not once too seldom.
        if self._write(now) and self.publish(spec.topic, spec.on.encode()):
            log.warning("%s is on for %.0f s", switching.device, switching.left_s)
            return "done"
        self._off_at[switching.device] = now.at if was is None else was
        return "refused"

    def announce(self, message: str) -> Outcome:
        """Say a registered message once. `refused` where the broker does not take it."""
        spec = self.messages.get(message)
        if spec is None:
            return "unknown"
        done = self.publish(spec.topic, spec.payload.encode())
        log.warning("message %s: %s", message, "said" if done else "the broker does not take it")
        return "done" if done else "refused"

    def step(self, now: Moment) -> None:
        """Switch off what is due."""
        due = [device for device, at in self._off_at.items() if now.at >= at]
        gone = [d for d in due if self.publish(self.outputs[d].topic, self.outputs[d].off.encode())]
        for device in gone:
            del self._off_at[device]
            log.warning("%s is off", device)
        if gone:
            self._write(now)

    def close(self, now: Moment) -> None:
        """The agent ends, and nobody would switch off what is on."""
        self._off_at = dict.fromkeys(self._off_at, now.at)
        self.step(now)

    def _read(self) -> OutputsFile | None:
        """What was on; None where that does not read."""
        try:
            if self.path.stat().st_size > FILE_MAX_BYTES:
                return None
            was = msgspec.json.decode(self.path.read_bytes(), type=OutputsFile)
        except FileNotFoundError:
            return OutputsFile()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        aware = all(ends.tzinfo is not None for ends, _ in was.on.values())
        return was if aware else None

    def _write(self, now: Moment) -> bool:
        left = {device: max(0.0, at - now.at) for device, at in self._off_at.items()}
        on = {device: (now.time + timedelta(seconds=s), s) for device, s in left.items()}
        try:
            write_whole(self.path, msgspec.json.encode(OutputsFile(on=on)) + b"\n")
        except OSError as error:
            log.error("%s cannot be written: %s", self.path, error.strerror)
            return False
        return True
