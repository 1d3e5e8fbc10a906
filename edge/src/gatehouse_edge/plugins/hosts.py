"""Keeps plug-ins at work, each in a thread of its own, so that none of them can hold up the agent.

Rule     the agent leaves signals here and goes on; at most QUEUE_MAX wait, the oldest is let go, and that is said once.
Source   asked every so often; what it gives is told at once.
Ends     a plug-in that dies, hangs or talks nonsense is started again, sooner at first and later then, five times in ten
         minutes at most. One that the kernel ended for a forbidden call stays ended until the agent is started anew.
Log      that it ended, once until it runs again; errors of its own and what it tries in vain, once each and TOLD_MAX in all.
"""

from __future__ import annotations

import logging
import random
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gatehouse_edge.errors import PluginError
from gatehouse_edge.plugins.judging import Bound, doubt, refusal, sample_of, view_of
from gatehouse_edge.plugins.messages import Answer
from gatehouse_edge.plugins.process import (
    LineGoneError,
    PluginBreachError,
    PluginProcess,
    Start,
    plain,
)
from gatehouse_edge.plugins.readings import Mapper
from gatehouse_edge.plugins.spec import DeviceMap
from gatehouse_edge.ports import Clock
from gatehouse_edge.rules.observations import Observation, PluginSample, ZoneSignals
from gatehouse_edge.sources.patience import Patience, Retry
from gatehouse_edge.values import SourceDown
from gatehouse_shared.states import PlugIn

QUEUE_MAX: Final = 64
TOLD_MAX: Final = 32
IDLE_S: Final = 0.5
EVERY_SLACK_S: Final = 0.05
SILENT_LEAST_S: Final = 30.0
SILENT_STEPS: Final = 3
PATIENCE: Final = Patience(last_retry_s=60.0, settled_s=60.0, crashes=5, crash_window_s=600.0)

log = logging.getLogger(__name__)


class Told:
    """What was said of a plug-in already: each once; after TOLD_MAX nothing more is said."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said: set[str] = set()

    def once(self, text: str) -> None:
        """Say it, unless it was said."""
        if text not in self._said and len(self._said) < TOLD_MAX:
            self._said.add(text)
            log.warning("plug-in %s: %s", self._name, text)


class Host(ABC):
    """One plug-in and its thread. `start` and `close` from the agent's thread; `breached` is called once, from this one's."""

    def __init__(
        self,
        start: Start,
        clock: Clock,
        breached: Callable[[str], None],
        patience: Patience = PATIENCE,
    ) -> None:
        self.state = PlugIn(name=start.code.name, sha256=start.code.sha256)
        self.running = False
        self._clock, self._breached = clock, breached
        self._process = PluginProcess(start)
        self._retry = Retry(patience, random.random)
        self._stopping = threading.Event()
        self._tried, self._faults = Told(self.name), Told(self.name)
        self._thread = threading.Thread(target=self._run, name=f"plugin-{self.name}", daemon=True)

    @property
    def name(self) -> str:
        """As in the gateway's file."""
        return self.state.name

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the process; idempotent."""
        self._stopping.set()
        self._wake()
        while self._thread.is_alive():
            self._process.kill()
            self._thread.join(IDLE_S)

    def _run(self) -> None:
        said = ""
        while not self._stopping.is_set():
            began_s, crashed = self._clock.monotonic_s(), True
            try:
                for tried in self._process.start():
                    self._tried.once(f"refused: {tried}")
                self.running, said = True, ""
                log.info("plug-in %s runs", self.name)
                while not self._stopping.is_set():
                    self._turn()
            except PluginBreachError as error:
                log.error("%s; it is not started again", error)
                self._down(str(error))
                self._breached(str(error))
                return
            except PluginError as error:
                if self._stopping.is_set():
                    return
                crashed = not isinstance(error, LineGoneError)
                if error.message != said:
                    said = error.message
                    log.warning("%s; trying again", error)
                self._down(str(error))
            except Exception:  # the top of this thread: a plug-in's host is never the agent's end
                log.exception("plug-in %s", self.name)
                self._down("an error of the agent")
            finally:
                self.running = False
                self._process.close()
            now_s = self._clock.monotonic_s()
            self._stopping.wait(self._retry.wait_s(now_s, crashed=crashed, ran_s=now_s - began_s))

    @abstractmethod
    def _turn(self) -> None:
        """One round of work. Raises PluginError when the process is no more."""

    @abstractmethod
    def _wake(self) -> None:
        """Let the thread see that it is to stop."""

    @abstractmethod
    def _down(self, reason: str) -> None:
        """The plug-in does not run."""

    def _ask(self, which: int = 0, signals: ZoneSignals | None = None) -> Answer:
        answer = self._process.ask(which, None if signals is None else view_of(signals))
        for tried in answer.refused:
            self._tried.once(f"refused: {plain(tried)}")
        for line in answer.printed:
            log.debug("plug-in %s: %s", self.name, plain(line))
        return answer


class RuleHost(Host):
    """A plug-in that judges rules. `hear` from the agent's thread; `tell` is called from this one's, and must only queue."""

    def __init__(
        self,
        start: Start,
        bounds: Sequence[Bound],
        every_s: float,
        clock: Clock,
        tell: Callable[[Observation], None],
        breached: Callable[[str], None],
    ) -> None:
        super().__init__(start, clock, breached)
        self._bounds, self._every_s, self._tell = tuple(bounds), every_s, tell
        self._places = {b.place for b in self._bounds}
        self._given_at: dict[tuple[str, str], float] = {}
        self._waiting: deque[ZoneSignals] = deque(maxlen=QUEUE_MAX)
        self._something = threading.Event()
        self._told_full = False

    def hear(self, signals: ZoneSignals) -> None:
        """Leave signals for the plug-in, if they are for it and it is time."""
        place = (signals.device, signals.zone)
        if not self.running or place not in self._places:
            return
        passed_s = signals.at - self._given_at.get(place, float("-inf"))
        if 0 <= passed_s < self._every_s - EVERY_SLACK_S:
            return
        self._given_at[place] = signals.at
        if len(self._waiting) == QUEUE_MAX and not self._told_full:
            self._told_full = True
            log.warning("plug-in %s is too slow; signals are let go", self.name)
        self._waiting.append(signals)
        self._something.set()

    def _turn(self) -> None:
        if not self._something.wait(IDLE_S):
            self._process.check()
            return
        self._something.clear()
        while self._waiting and not self._stopping.is_set():
            signals = self._waiting.popleft()
            for sample in answers(self._bounds, signals, self._ask, self._faults):
                self._tell(sample)

    def _wake(self) -> None:
        self._something.set()

    def _down(self, reason: str) -> None:
        del reason
        self._waiting.clear()


def answers(
    bounds: Sequence[Bound],
    signals: ZoneSignals,
    ask: Callable[[int, ZoneSignals], Answer],
    faults: Told,
) -> tuple[PluginSample, ...]:
    """What a plug-in says of all rules that these signals are for. Raises PluginError when it is no more."""
    samples: list[PluginSample] = []
    for which, about in enumerate(bounds):
        if about.place != (signals.device, signals.zone):
            continue
        answer = ask(which, signals)
        said = answer.said
        wrong = answer.fault or (said and (refusal(said, about) or doubt(said, about))) or ""
        if wrong:
            faults.once(f"rule {about.rule}: {plain(wrong)}")
        if said is not None and not answer.fault and refusal(said, about) is None:
            samples.append(sample_of(said, about, signals, plain(said.reason)))
    return tuple(samples)


class SourceHost(Host):
    """A plug-in that reads devices. `tell` is called from its thread, and must only queue."""

    def __init__(
        self,
        start: Start,
        devices: Mapping[str, DeviceMap],
        every_s: float,
        clock: Clock,
        tell: Callable[[Observation], None],
        breached: Callable[[str], None],
    ) -> None:
        super().__init__(start, clock, breached)
        self._mapper = Mapper(devices, clock)
        self._devices, self._every_s, self._tell = tuple(devices), every_s, tell
        self._silent_s = max(SILENT_LEAST_S, SILENT_STEPS * every_s)
        self._heard_s = clock.monotonic_s()
        self._is_down = False

    def _turn(self) -> None:
        answer = self._ask()
        if answer.fault:
            self._faults.once(plain(answer.fault))
        for fields in answer.messages:
            readings, useless = self._mapper.readings(fields)
            for device, reason in useless:
                self._faults.once(f"{device}: a message without meaning: {reason}")
            for reading in readings:
                self._tell(reading)
            if readings:
                self._alive()
        if self._clock.monotonic_s() - self._heard_s >= self._silent_s:
            self._down(answer.fault or "the plug-in gives nothing")
        self._stopping.wait(self._every_s)

    def _wake(self) -> None:
        pass

    def _alive(self) -> None:
        self._heard_s = self._clock.monotonic_s()
        if self._is_down:
            self._is_down = False
            log.info("plug-in %s gives readings again", self.name)

    def _down(self, reason: str) -> None:
        if self._is_down:
            return
        self._is_down = True
        now = (self._clock.now(), self._clock.monotonic_s())
        for device in self._devices:
            self._tell(SourceDown(device, now[0], now[1], f"plug-in {self.name}: {plain(reason)}"))
