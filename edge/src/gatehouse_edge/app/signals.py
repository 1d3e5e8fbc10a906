"""The recorder of a running agent: keeps what its rules are told for as long as the gateway's file says."""

from gatehouse_edge.config import Config
from gatehouse_edge.history.recorder import SignalRecorder
from gatehouse_edge.history.setup import by_sample, setup_of, write_setup
from gatehouse_edge.history.store import Bounds
from gatehouse_edge.rules.ruleset import RuleSet

MIB = 1024 * 1024


def build_recorder(config: Config, rules: RuleSet) -> SignalRecorder | None:
    """The recorder; None where `signals.days` is 0. Opens nothing yet."""
    wish = config.file.signals
    if wish.days == 0:
        return None
    path = config.path(wish.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return SignalRecorder(
        path,
        Bounds(wish.days, wish.max_mib * MIB),
        by_sample(config.site, rules),
        write_setup(setup_of(config.site, rules)),
    )
