"""The witnesses of `analyze`: one that explains what the rules say, one that keeps their signals for a rehearsal."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.history.explaining import Explainer, params_of
from gatehouse_edge.history.recorder import SignalRecorder
from gatehouse_edge.history.setup import by_sample, setup_of, write_setup
from gatehouse_edge.history.store import Bounds

if TYPE_CHECKING:
    from gatehouse_edge.config import Config
    from gatehouse_edge.ports import Witness
    from gatehouse_edge.rules.ruleset import RuleSet

STANDARD_OUTPUT: Final = "-"
_UNBOUNDED: Final = Bounds(days=36_500, max_bytes=2**40, free_least_bytes=0)


@dataclass(frozen=True, slots=True)
class Beside:
    """What `analyze` writes beside its events. `explain`: a path, or `-` for standard output."""

    explain: str | None = None
    as_json: bool = False
    signals: Path | None = None


@contextmanager
def witnesses(config: Config, rules: RuleSet, beside: Beside) -> Generator[tuple[Witness, ...]]:
    """The witnesses that were asked for; their files are closed at the end. ConfigError where one cannot be written."""
    params = params_of(config.site, rules)
    made: list[Witness] = []
    recorder = _recorder(config, rules, beside.signals)
    if recorder is not None:
        made.append(recorder)
    try:
        if beside.explain is None:
            yield tuple(made)
        elif beside.explain == STANDARD_OUTPUT:
            made.append(Explainer(rules, params, sys.stdout.write, as_json=beside.as_json))
            yield tuple(made)
        else:
            try:
                file = Path(beside.explain).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
            except OSError as error:
                raise ConfigError(
                    error.strerror or "cannot be written", place=beside.explain
                ) from None
            with file:
                made.append(Explainer(rules, params, file.write, as_json=beside.as_json))
                yield tuple(made)
    finally:
        if recorder is not None:
            recorder.close()


def _recorder(config: Config, rules: RuleSet, path: Path | None) -> SignalRecorder | None:
    if path is None:
        return None
    if path.exists():
        raise ConfigError("exists already", place=str(path), remedy="Name a new file")
    setup = write_setup(setup_of(config.site, rules))
    return SignalRecorder(path, _UNBOUNDED, by_sample(config.site, rules), setup)
