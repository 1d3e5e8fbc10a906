"""Count windows and flow windows behind one step: the only way in which numbers leave the rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gatehouse_edge.rules.observations import Moment
from gatehouse_edge.rules.release_count import CountRelease, CountsState, CountWindow
from gatehouse_edge.rules.release_flow import FlowRelease, FlowState, FlowWindow, Tally
from gatehouse_edge.values import ZoneCount


@dataclass(frozen=True, slots=True)
class WindowsState:
    """All open windows; holds numbers that must not leave. Start from `WindowsState()`. Encodes to JSON and back by msgspec."""

    counts: CountsState = field(default_factory=CountsState)
    flows: FlowState = field(default_factory=FlowState)


@dataclass(frozen=True, slots=True)
class ReleaseDesk:
    """Decides what may leave."""

    counts: CountRelease
    flows: FlowRelease

    def start(self) -> WindowsState:
        """No window open yet."""
        return WindowsState()

    def step(
        self,
        state: WindowsState,
        counts: Iterable[ZoneCount],
        tallies: Iterable[Tally],
        now: Moment,
    ) -> tuple[WindowsState, tuple[CountWindow | FlowWindow, ...]]:
        """Take in what a step of the rules gave, and the time; give back the windows that closed."""
        count_state, count_windows = self.counts.step(state.counts, counts, now)
        flow_state, flow_windows = self.flows.step(state.flows, tallies, now)
        return WindowsState(count_state, flow_state), (*count_windows, *flow_windows)
