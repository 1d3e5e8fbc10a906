"""The plug-ins of a running agent, of `analyze`, and of the command `plugin`.

A file whose hash is not the agreed one stops the start; a plug-in that does not run later stops nothing but itself.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from gatehouse_edge.config import Config
from gatehouse_edge.errors import PluginError
from gatehouse_edge.inference.runtimes import find_runtime
from gatehouse_edge.plugins.hosts import Host, RuleHost, SourceHost, Told, answers
from gatehouse_edge.plugins.judging import Bound, bound, view_of
from gatehouse_edge.plugins.messages import Answer
from gatehouse_edge.plugins.process import PluginProcess, Start
from gatehouse_edge.plugins.spec import (
    PLUGINS_MAX,
    Code,
    RulePlugin,
    SourcePlugin,
    parse_line,
    read_code,
)
from gatehouse_edge.ports import Clock, Heard
from gatehouse_edge.rules.observations import Observation, PluginSample, ZoneSignals
from gatehouse_edge.sources.backends import DecoderCommand
from gatehouse_edge.transport.courier import Trouble
from gatehouse_shared.names import HazardKind
from gatehouse_shared.states import PlugIn

BREACHES_MAX = 16
NAME_MAX = 32


def code_of(config: Config, plugin: RulePlugin | SourcePlugin) -> Code:
    """The agreed file of a plug-in. ConfigError when it is another."""
    return read_code(plugin.name, config.path(plugin.file), agreed=plugin.sha256)


def bounds_of(config: Config, plugin: RulePlugin) -> tuple[Bound, ...]:
    """The rules that a plug-in judges."""
    rules = {rule.id: rule for rule in config.site.rules}
    return tuple(bound(config.site, rules[name]) for name in plugin.rules)


def rule_start(code: Code, bounds: Sequence[Bound], memory_mib: int) -> Start:
    """How a plug-in of rules is started."""
    params = tuple(dict(b.params) for b in bounds)
    return Start(code=code, role="rule", params=params, memory_mib=memory_mib)


def source_start(code: Code, plugin: SourcePlugin) -> Start:
    """How a plug-in of sources is started. ConfigError for a connection that does not read."""
    return Start(
        code=code,
        role="source",
        params=(dict(plugin.params),),
        memory_mib=plugin.memory_mib,
        answer_s=plugin.read_s,
        line=parse_line(plugin.connection, f"plug-in {plugin.name}: connection"),
    )


def all_plugins(config: Config) -> tuple[RulePlugin | SourcePlugin, ...]:
    """Every plug-in of the gateway's file, rules first."""
    return (*config.file.plugins.rules, *config.file.plugins.sources)


def try_plugin(config: Config, plugin: RulePlugin | SourcePlugin, *, run: bool) -> str:
    """Look at its file, and with `run` start it once; what there is to say. Raises ConfigError, PluginError."""
    code = code_of(config, plugin)
    if run:
        process = PluginProcess(
            rule_start(code, bounds_of(config, plugin), plugin.memory_mib)
            if isinstance(plugin, RulePlugin)
            else source_start(code, plugin)
        )
        try:
            refused = process.start()
        finally:
            process.close()
        if refused:
            raise PluginError(
                f"refused: {'; '.join(refused)}",
                place=f"plug-in {plugin.name}",
                remedy="Read its file: it tries what plug-ins may not do",
            )
    return f"{plugin.file}{' runs in its cage' if run else ''}"


def decoders_of(config: Config) -> tuple[PlugIn, ...]:
    """Programs of somebody else's that decode cameras: frames of a plug-in. The hash is over all files that the command names."""
    found: list[PlugIn] = []
    for device in config.file.cameras:
        decoder = config.source(device).decoder
        if isinstance(decoder, DecoderCommand):
            digest = hashlib.sha256()
            for word in decoder.command:
                path = Path(which(word) or word)
                if path.is_file():
                    digest.update(path.read_bytes())
            name = f"decoder_{device}"[:NAME_MAX]
            found.append(PlugIn(name=name, sha256=digest.hexdigest()))
    return tuple(found)


def runtimes_of(config: Config) -> tuple[PlugIn, ...]:
    """Programs of another make that run models of cameras, each once. ConfigError when one is not the agreed one."""
    known = config.file.inference.runtimes
    wanted = dict.fromkeys(camera.runtime for camera in config.file.cameras.values())
    found = (find_runtime(name, known, "cameras: runtime") for name in wanted)
    return tuple(
        PlugIn(name=f"runtime_{one.name}"[:NAME_MAX], sha256=one.sha256)
        for one in found
        if one.command
    )


def try_cage() -> str:
    """Start a plug-in that does nothing; what there is to say. Raises PluginError where plug-ins cannot run."""
    nothing = b"class Plugin:\n def __init__(self, params): pass\n def step(self, zone): pass\n"
    code = Code("nothing", nothing, hashlib.sha256(nothing).hexdigest())
    process = PluginProcess(rule_start(code, (), 128))
    try:
        process.start()
    finally:
        process.close()
    return "their cage closes here"


class Plugins:
    """All plug-ins of one gateway: a Witness of the rules. `tell` is called from their threads and must only queue."""

    def __init__(self, config: Config, clock: Clock, tell: Callable[[Observation], None]) -> None:
        settings = config.file.plugins
        self._breaches: deque[str] = deque(maxlen=BREACHES_MAX)
        self._decoders = decoders_of(config)
        self._runtimes = runtimes_of(config)
        self._rules = tuple(
            RuleHost(
                rule_start(code_of(config, one), bounds_of(config, one), one.memory_mib),
                bounds_of(config, one),
                one.every_s,
                clock,
                tell,
                self._breaches.append,
            )
            for one in settings.rules
        )
        self._sources = tuple(
            SourceHost(
                source_start(code_of(config, one), one),
                one.devices,
                one.every_s,
                clock,
                tell,
                self._breaches.append,
            )
            for one in settings.sources
        )

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every plug-in, rules first."""
        return (*self._rules, *self._sources)

    def start(self) -> None:
        """A thread and a process for each."""
        for host in self.hosts:
            host.start()

    def heard(self, step: Heard) -> None:
        """Signals of zones go to the plug-ins that judge there; nothing else does."""
        for signals in step.judged.signals:
            for host in self._rules:
                host.hear(signals)

    def states(self) -> tuple[PlugIn, ...]:
        """The plug-ins that run now, and decoders and runtimes of another make, as the birth says them."""
        running = tuple(host.state for host in self.hosts if host.running)
        return (*running, *self._decoders, *self._runtimes)[:PLUGINS_MAX]

    def troubles(self) -> tuple[Trouble, ...]:
        """Plug-ins that tried to leave their cage, since the last call."""
        said = tuple(self._breaches.popleft() for _ in range(len(self._breaches)))
        return tuple(Trouble(HazardKind.TAMPER, reason) for reason in said)

    def close(self) -> None:
        """End all of them; idempotent."""
        for host in self.hosts:
            host.close()


@dataclass(frozen=True, slots=True)
class _Direct:
    process: PluginProcess
    bounds: tuple[Bound, ...]
    every_s: float
    told: Told


class DirectPlugins:
    """The rule plug-ins of one camera in step with a recording: a Witness that is asked afterwards. For `analyze`.

    Raises PluginError where the agent would go on without: an analysis is whole, or none.
    """

    def __init__(self, config: Config, device: str) -> None:
        self._running: list[_Direct] = []
        self._signals: deque[ZoneSignals] = deque()
        self._given_at: dict[tuple[str, str, str], float] = {}
        try:
            for one in config.file.plugins.rules:
                bounds = bounds_of(config, one)
                if any(b.device == device for b in bounds):
                    code = code_of(config, one)
                    process = PluginProcess(rule_start(code, bounds, one.memory_mib))
                    self._running.append(_Direct(process, bounds, one.every_s, Told(one.name)))
                    process.start()
        except BaseException:
            self.close()
            raise

    def heard(self, step: Heard) -> None:
        """Keep the signals until the step is over."""
        if self._running:
            self._signals.extend(step.judged.signals)

    def samples(self) -> tuple[PluginSample, ...]:
        """What the plug-ins say of the signals since the last call. Raises PluginError."""
        said: list[PluginSample] = []
        while self._signals:
            signals = self._signals.popleft()
            for one in self._running:
                if self._is_time(one, signals):
                    said += answers(one.bounds, signals, _asker(one.process), one.told)
        return tuple(said)

    def close(self) -> None:
        """End them; idempotent."""
        for one in self._running:
            one.process.close()

    def _is_time(self, one: _Direct, signals: ZoneSignals) -> bool:
        key = (one.bounds[0].rule, signals.device, signals.zone)
        passed_s = signals.at - self._given_at.get(key, float("-inf"))
        if passed_s < one.every_s - 0.05:
            return False
        self._given_at[key] = signals.at
        return True


def _asker(process: PluginProcess) -> Callable[[int, ZoneSignals], Answer]:
    return lambda which, signals: process.ask(which, view_of(signals))
