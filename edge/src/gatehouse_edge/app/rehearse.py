"""`rehearse`: changed rules over the days that this gateway kept. Reads the site file, the changes and the kept signals."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from gatehouse_edge.app.integrity import unwatched
from gatehouse_edge.app.rehearse_workers import replayed, spread
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, read_yaml
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.history.changes import changed_site, described, refusals
from gatehouse_edge.history.page import page
from gatehouse_edge.history.rehearsal import Days, Rehearsed, Span, concluded, planned
from gatehouse_edge.history.setup import setup_of
from gatehouse_edge.history.store import DAY_CS, SignalReader
from gatehouse_edge.history.tables import report
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_edge.rules.schedule import time_zone
from gatehouse_shared.instants import format_instant
from gatehouse_shared.site import Site

PROGRESS_EVERY_S: Final = 2.0
ALONE_MINUTES: Final = 240
"""So few minutes are done before other processes would have begun."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to change: a file of changes or a whole site file, and `RULE.PARAM=VALUE` words after it.

    `every`: replay rules that it does not touch, too.
    """

    rules: Path | None = None
    settings: tuple[str, ...] = ()
    every: bool = False


def rehearse(
    config: Config,
    change: Change,
    days: float,
    signals: Path | None,
    outputs: tuple[Path | None, Path | None],
    say: Callable[[str], object],
) -> int:
    """Rehearse and report; `outputs` are the page and the figures. ConfigError for changes that cannot be rehearsed."""
    tree = None if change.rules is None else read_yaml(change.rules)
    place = str(change.rules or "--set")
    changed = changed_site(config.site, tree, change.settings, place)
    path = signals or config.path(config.file.signals.path)
    result = rehearsed(config, changed, days, path, every=change.every)
    zone = time_zone(config.site.time_zone)
    changes = described(config.site, changed)
    for line in report(result, changes, zone):
        say(line)
    html, figures = outputs
    if html is not None:
        _write(html, page(result, changes, zone))
    if figures is not None:
        _write(figures, json.dumps(_figures(result), indent=1) + "\n")
    return 0


def rehearsed(
    config: Config,
    changed: Site,
    days: float,
    path: Path,
    progress: TextIO = sys.stderr,
    *,
    every: bool = False,
) -> Rehearsed:
    """Both sets of rules over the last `days` of a file of signals; `every`: also rules that the change does not touch."""
    rules, new = _rules(config, config.site), _rules(config, changed)
    refused = refusals(config.site, rules, changed, new)
    if refused:
        raise ConfigError("\n  ".join(["these changes cannot be rehearsed:", *refused]))
    setup = setup_of(config.site, rules)
    plan = planned((config.site, changed), (rules, new), setup, every=every)
    reader = SignalReader(path)
    try:
        span = reader.span()
        end = 0 if span is None else span[1]
        numbers = reader.numbers(end - round(days * DAY_CS), end)
        report_ = Progress(progress, SystemClock(), len(numbers))
        kept_days = Days()
        if len(numbers) <= ALONE_MINUTES:
            found = replayed(reader, numbers, plan.tasks, kept_days, report_.at)
        else:
            found = spread(path, numbers, plan.tasks, report_.at)
            for block in reader.blocks(numbers):
                kept_days.block(block)
        return concluded(plan, kept_days, found)
    finally:
        reader.close()


def _rules(config: Config, site: Site) -> RuleSet:
    file = config.file
    return build_rules(site, file.gateway, file.plugins.judged, unwatched(config))


class Progress:
    """Says how far it is, now and then."""

    def __init__(self, stream: TextIO, clock: SystemClock, total: int) -> None:
        self._stream, self._clock, self._total = stream, clock, total
        self._due_s = clock.monotonic_s() + PROGRESS_EVERY_S

    def at(self, done: float) -> None:
        """So many of the minutes are done."""
        if self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + PROGRESS_EVERY_S
            share = int(100 * done / max(1, self._total))
            self._stream.write(f"rehearse: {share} % of {self._total} minutes\n")
            self._stream.flush()


def _figures(result: Rehearsed) -> dict[str, object]:
    return {
        "begin": format_instant(result.begin),
        "end": format_instant(result.end),
        "minutes": result.minutes,
        "gaps": [[format_instant(a), format_instant(b)] for a, b in result.gaps],
        "rules": [
            {
                "rule": one.rule,
                "kind": one.kind,
                "zone": one.zone,
                "said": one.said,
                "drills": one.drills,
                "replayed": one.replayed,
                "unknown_minutes": one.unknown_minutes,
                "before": [_span(s) for s in one.before],
                "after": [_span(s) for s in one.after],
                "gone": [{**_span(s), "why": why} for s, why in one.gone],
                "new": [{**_span(s), "why": why} for s, why in one.fresh],
                "changed": [{"was": _span(a), "becomes": _span(b)} for a, b in one.changed],
            }
            for one in result.outcomes
        ],
    }


def _span(span: Span) -> dict[str, object]:
    end = None if span.end is None else format_instant(span.end)
    return {"begin": format_instant(span.begin), "end": end, "grade": span.grade}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(error.strerror or "cannot be written", place=str(path)) from None
