"""Signals kept in memory: rules at work with a block writer beside them, and replays of what it kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gatehouse_edge.history.block import Block, decode, encode
from gatehouse_edge.history.reading import BlockReader
from gatehouse_edge.history.replay import GroupReplay, groups, recorded
from gatehouse_edge.history.setup import by_sample
from gatehouse_edge.history.writing import BlockWriter
from gatehouse_edge.ports import Heard
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.observations import Moment, Observation
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_edge.values import Finding
from gatehouse_shared.site import Site
from gatehouse_testing.watched import moment

BLOCK_S = 60.0


@dataclass(slots=True)
class Kept:
    """What the rules said, and the minutes that were kept."""

    findings: list[Finding] = field(default_factory=list[Finding])
    blocks: list[bytes] = field(default_factory=list[bytes])


def keep(
    site: Site, told: Iterable[tuple[float | Moment, Observation]], gateway: str = "gw_1"
) -> Kept:
    """Runs the rules of a site over a story and keeps its signals."""
    rules = build_rules(site, gateway)
    sampled = by_sample(site, rules)
    state, out, writer = rules.start(), Kept(), BlockWriter(sampled)
    for at, observation in told:
        now = at if isinstance(at, Moment) else moment(at)
        if writer.at_s is not None and now.at - writer.at_s >= BLOCK_S:
            out.blocks.append(encode(_built(writer)))
            writer = BlockWriter(sampled)
        before = state
        state, judged = rules.step(before, observation, now)
        writer.take(Heard(observation, now, before, state, judged))
        out.findings.extend(judged.findings)
    if len(writer):
        out.blocks.append(encode(_built(writer)))
    return out


def replayed(site: Site, blocks: Iterable[bytes], *, exact: bool = False) -> list[Finding]:
    """What the rules of a site say of kept minutes."""
    rules = build_rules(site, "gw_1")
    ready = recorded(rules, frozenset(by_sample(site, rules)))
    readers = [BlockReader(decode(block)) for block in blocks]
    found: list[Finding] = []
    for names in groups(ready):
        group = GroupReplay(RuleSet(rules={n: ready.rules[n] for n in ready.rules if n in names}))
        group.exact = exact
        for reader in readers:
            found.extend(group.block(reader))
    return found


def hazards(findings: Iterable[Finding]) -> list[tuple[object, ...]]:
    """Findings as what counts, in one order: rule, zone, kind, phase, time, grade."""
    return sorted(
        (f.rule, f.zone, f.kind.value, f.time, f.phase.value, f.grade, f.confirm_s)
        for f in findings
    )


def _built(writer: BlockWriter) -> Block:
    block = writer.built()
    assert block is not None
    return block
