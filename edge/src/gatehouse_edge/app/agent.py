"""The running agent: one loop that judges what cameras and sensors tell, accepts it to disk, and carries it to the hub.

Threads  each camera, each inference slot, each plug-in, the sensors' and the hub's connection have one; they only queue. Rules,
         outbox and courier belong to the loop.
Pace     the loop wakes when something was told, at least every BEAT_S. Alarms and windows are accepted at once, readings within a
         second.
Bounds   INBOX_MAX observations wait; beyond them frames are let go, oldest first, and said once.
Failing  a camera, a sensor, the broker or the disk that fails is a hazard or a log line; the loop goes on.
"""

import logging
import signal
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse_edge.app.build import (
    Callbacks,
    build_clock,
    build_courier,
    build_outbox,
    build_outputs,
    start_sensors,
)
from gatehouse_edge.app.integrity import unwatched, with_integrity
from gatehouse_edge.app.machine import Machine
from gatehouse_edge.app.maintenance import maintenance_path
from gatehouse_edge.app.plates import MakePlate, PlateDesk, Wanted
from gatehouse_edge.app.plugins import Plugins
from gatehouse_edge.app.signals import build_recorder
from gatehouse_edge.app.silence import SilenceMark
from gatehouse_edge.app.upkeep import Upkeep
from gatehouse_edge.config import Config
from gatehouse_edge.errors import OutboxError
from gatehouse_edge.outbox.hazards import again, orphans
from gatehouse_edge.outbox.ledger import RowLedger
from gatehouse_edge.pipeline import RULES_KEY, Judgment, read_kept
from gatehouse_edge.ports import Clock
from gatehouse_edge.rules.build import build_release, build_rules
from gatehouse_edge.rules.observations import Acknowledged, DrillOrder, Moment, Observation, Tick
from gatehouse_edge.rules.ruleset import RuleSet, RulesKept
from gatehouse_edge.sources.patience import Patience
from gatehouse_edge.transport.courier import Trouble
from gatehouse_edge.transport.mqtt import Pace
from gatehouse_edge.transport.requests import Drilling, Ending, Hands, Outcome, Switching
from gatehouse_edge.values import Finding, GatewayLoad
from gatehouse_shared.commands import PlateRequest
from gatehouse_shared.names import HazardKind, Phase
from gatehouse_shared.states import ModelState, PlugIn

if TYPE_CHECKING:
    from gatehouse_edge.app.cameras import Cameras
    from gatehouse_edge.sources.sensors import SensorReader

BEAT_S = 0.1
TICK_S = 1.0
TIDY_S = 5.0
HEALTH_S = 300.0
FIRST_HEALTH_S = 15.0
TOLD_S = 600.0
"""How long an outbox that was reset, or rows that were given up, stay an open hazard."""
INBOX_MAX = 10_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Due:
    tick: float
    tidy: float
    health: float
    commit: float = 0.0


class Agent:
    """One gateway at work. `run` blocks until `stop`.

    `pace` says how fast the connection comes back, `patience` how soon a camera is tried again. `clock` is the machine's, unless
    another is given.
    """

    def __init__(
        self,
        config: Config,
        *,
        pace: Pace | None = None,
        patience: Patience | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._config, self._patience = config, patience
        self._clock = clock or build_clock(config)
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._inbox: deque[Observation] = deque(maxlen=INBOX_MAX)
        self._told_full = self._unwritten = False
        self._introduced: tuple[ModelState | PlugIn, ...] = ()
        self._plugins = Plugins(config, self._clock, self._tell)
        rules = build_rules(
            config.site, config.file.gateway, config.file.plugins.judged, unwatched(config)
        )
        desk = build_release(config.site, config.file.gateway)
        self._outbox, opened = build_outbox(config, self._clock)
        self._cameras: Cameras | None = None
        self._announced: tuple[ModelState | PlugIn, ...] = ()
        self._closing_at: dict[tuple[str, str], float] = {}
        self._rules = rules
        self._sensors: SensorReader | None = None
        self._outputs = build_outputs(config, self._say)
        self._outputs.resume(self._now())
        self._upkeep = Upkeep(maintenance_path(config), rules)
        self._makers: dict[str, MakePlate] = {}
        self._plates = PlateDesk(config, self._makers)
        try:
            self._ledger = RowLedger(config.site, config.file.gateway, self._outbox)
            now = self._now()
            self._signals = build_recorder(config, rules)
            witnesses = (self._plugins, *(() if self._signals is None else (self._signals,)))
            self._judgment = Judgment(rules, desk, self._ledger, now, witnesses)
            self._judgment.take(self._upkeep.step(now) or Tick(), now)
            going_on = open_rules(self._ledger.kept(RULES_KEY), rules)
            self._judgment.add(orphans(self._ledger.hazards, going_on, now.time))
            if opened.salvage is not None:
                reason = f"the outbox was damaged; {opened.salvage.rows} rows were saved"
                self._raise(Trouble(HazardKind.OUTBOX_RESET, reason))
            callbacks = Callbacks(
                self._tell,
                self._wake.set,
                self._acknowledge,
                self._drill,
                self._plate,
                Hands(self._switch, self._outputs.announce),
                self._models,
                self._plugins.states,
            )
            self._courier = build_courier(config, self._outbox, self._clock, callbacks, pace)
            self._callbacks = callbacks
        except BaseException:
            self._outbox.close()
            raise
        self._machine = Machine(self._outbox.place.path.parent)
        self._silence = SilenceMark(self._outbox.place.path)

    def run(self) -> None:
        """Work until stopped; what was told is accepted, and the hub hears goodbye."""
        start = self._clock.monotonic_s()
        due = _Due(start, start + TIDY_S, start + FIRST_HEALTH_S)
        self._sensors = start_sensors(self._config, self._clock, self._callbacks)
        self._plugins.start()
        if self._config.file.cameras:
            from gatehouse_edge.app.cameras import Cameras  # noqa: PLC0415 - needs the vision extra

            self._cameras = Cameras(self._config, self._clock, self._tell, self._patience)
            self._cameras.start()
            self._makers.update(self._cameras.plates.makers())
        try:
            while not self._stopping.is_set():
                self._wake.wait(BEAT_S)
                self._wake.clear()
                self._turn(due)
        finally:
            self._outputs.close(self._now())
            if self._sensors is not None:
                self._sensors.close()
            if self._cameras is not None:
                self._cameras.close()
            self._plugins.close()
            self._judge_waiting()
            self._commit(self._now())
            self._courier.close()
            self._silence.close()
            self._outbox.close()
            if self._signals is not None:
                self._signals.close()

    def stop(self) -> None:
        """End `run` soon; from any thread."""
        self._stopping.set()
        self._wake.set()

    def _turn(self, due: _Due) -> None:
        self._judge_waiting()
        now = self._now()
        if now.at >= due.tick:
            due.tick = now.at + TICK_S
            self._outputs.step(now)
            self._judge(self._upkeep.step(now) or Tick(), now)
            self._upkeep.hid(self._judgment.hidden())
            self._own_hazards(now)
            self._silence.show(silent=self._courier.hub_is_silent)
            self._judgment.add(self._plates.tell(self._ledger.hazards, now.time))
            for trouble in self._plugins.troubles():
                self._raise(trouble)
            if self._announced != self._at_work():
                self._announced = self._at_work()
                self._courier.announce()
        if (self._judgment.urgent and not self._unwritten) or now.at >= due.commit:
            due.commit = now.at + TICK_S
            self._commit(now, health=now.at >= due.health)
            due.health = now.at + HEALTH_S if now.at >= due.health else due.health
        if (at_work := self._at_work()) != self._introduced:
            self._introduced = at_work
            self._courier.introduce()
        with self._writing():
            for trouble in self._courier.step():
                self._raise(trouble)
        if now.at >= due.tidy:
            due.tidy = now.at + TIDY_S
            with self._writing():
                self._outbox.tidy(now.time)
            self._plates.expire(now.time)
            if self._signals is not None and self._outbox.squeezed:
                self._signals.squeezed(now)

    def _judge_waiting(self) -> None:
        for _ in range(len(self._inbox)):
            self._judge(self._inbox.popleft(), self._now())

    def _judge(self, observation: Observation, now: Moment) -> None:
        with self._writing():
            self._judgment.take(observation, now)

    @contextmanager
    def _writing(self) -> Generator[None]:
        """What the disk does not take waits in memory; said when that begins."""
        try:
            yield
        except OutboxError as error:
            if not self._unwritten:
                log.error("%s. What is told waits in memory", error)
            self._unwritten = True

    def _commit(self, now: Moment, *, health: bool = False) -> None:
        cameras = self._cameras.health() if health and self._cameras is not None else ()
        cameras = with_integrity(cameras, self._ledger.hazards)
        with self._writing():
            load = self._load(now) if health else None
            if self._judgment.commit(now, cameras=cameras, gateway=load) and self._unwritten:
                self._unwritten = False
                log.warning("the disk takes rows again")

    def _load(self, now: Moment) -> GatewayLoad:
        oldest_ms = self._outbox.oldest_ms()
        age_s = 0.0 if oldest_ms is None else max(0.0, now.time.timestamp() - oldest_ms / 1000)
        load = self._outbox.load
        machine = self._machine
        return GatewayLoad(machine.cpu(), machine.memory(), machine.disk(), load.rows, age_s)

    def _own_hazards(self, now: Moment) -> None:
        """The disk's fullness is said and unsaid; what only happened once ends after a while."""
        rule = HazardKind.STORAGE_FULL.value
        full = self._ledger.hazards.of(rule, self._own_zone)
        if self._outbox.squeezed and full is None:
            self._raise(Trouble(HazardKind.STORAGE_FULL, "the disk of the outbox is full"))
        elif full is not None and not self._outbox.squeezed:
            self._judgment.add((again(full, Phase.CLEARED, now.time, "there is room again"),))
        for key, at in tuple(self._closing_at.items()):
            if now.at >= at:
                del self._closing_at[key]
                known = self._ledger.hazards.of(*key)
                self._judgment.add(
                    () if known is None else (again(known, Phase.CLEARED, now.time),)
                )

    def _raise(self, trouble: Trouble) -> None:
        if trouble.kind is not HazardKind.STORAGE_FULL:  # the outbox itself has said that
            log.error("%s: %s", trouble.kind, trouble.reason)
        now = self._now()
        finding = Finding(
            rule=trouble.kind.value,
            zone=self._own_zone,
            device=self._config.file.gateway,
            kind=trouble.kind,
            phase=Phase.RAISED,
            time=now.time,
            grade=2,
            reason=trouble.reason,
        )
        self._judgment.add((finding,))
        if trouble.kind is not HazardKind.STORAGE_FULL:
            self._closing_at[finding.rule, finding.zone] = now.at + TOLD_S

    def _acknowledge(self, ending: Ending) -> bool:
        """Called by the courier, in the loop."""
        known = self._ledger.of_number(ending.epoch, ending.number)
        if known is None:
            return False
        self._judge(Acknowledged(known.rule, ending.at_site), self._now())
        return True

    def _at_work(self) -> tuple[ModelState | PlugIn, ...]:
        """Models and plug-ins, as the birth says them."""
        return (*self._models(), *self._plugins.states())

    def _switch(self, switching: Switching) -> Outcome:
        """Called by the courier, in the loop."""
        return self._outputs.switch(switching, self._now())

    def _say(self, topic: str, payload: bytes) -> bool:
        return self._sensors is not None and self._sensors.say(topic, payload)

    def _drill(self, drilling: Drilling) -> bool:
        """Called by the courier, in the loop."""
        if drilling.rule is not None and drilling.rule not in self._rules.rules:
            return False
        what = "a walk test" if drilling.rule is None else f"a drill of rule {drilling.rule}"
        log.warning("%s: %s", what, f"{drilling.left_s:.0f} s" if drilling.left_s > 0 else "over")
        self._judge(DrillOrder(drilling.rule, drilling.left_s), self._now())
        return True

    def _plate(self, request: PlateRequest) -> bool:
        """Called by the courier, in the loop."""
        wanted = Wanted(request.camera, request.purpose)
        return self._plates.take(wanted, self._ledger.hazards, self._now().time)

    def _models(self) -> tuple[ModelState, ...]:
        return () if self._cameras is None else self._cameras.models()

    def _tell(self, observation: Observation) -> None:
        """From any thread."""
        if len(self._inbox) >= INBOX_MAX and not self._told_full:
            self._told_full = True
            log.error("more is told than the agent can judge; frames are let go")
        self._inbox.append(observation)
        self._wake.set()

    def _now(self) -> Moment:
        clock = self._clock
        return Moment(clock.monotonic_s(), clock.now(), clock.synced())

    @property
    def _own_zone(self) -> str:
        """Where the gateway is: the zone of its first device."""
        gateway = self._config.file.gateway
        return next(d.zone for d in self._config.site.devices if d.gateway == gateway)


def open_rules(kept: bytes | None, rules: RuleSet) -> tuple[str, ...]:
    """Who knows of an open hazard from before: rules, and the agent itself of a full disk. Nobody would end any other."""
    was = read_kept(kept, RulesKept) or RulesKept()
    known = (
        name
        for name, one in was.rules.items()
        if one.kept.since is not None and name in rules.rules
    )
    return (*known, HazardKind.STORAGE_FULL.value)


def run(config: Config) -> None:
    """Run the agent until SIGTERM or SIGINT."""
    agent = Agent(config)

    def stop(_signal: int, _frame: object) -> None:
        agent.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    agent.run()
