"""What was set up when signals were kept: which rules are kept by their samples, and how zones were looked at.

A rehearsal compares it with the site file of now. Where a view was drawn otherwise then, or a rule looked for something else,
the signals of then say nothing about it.
"""

from hashlib import blake2b
from typing import Final

import msgspec

from gatehouse_edge.rules.parameters import Params
from gatehouse_edge.rules.plugin_rule import PluginSense
from gatehouse_edge.rules.registry import rule_kind
from gatehouse_edge.rules.rule import Rule
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_shared.site import Site

TIMING_NAMES: Final = frozenset(
    {
        "dwell_s",
        "pre_s",
        "fast_dwell_s",
        "flicker_s",
        "covered_s",
        "blurred_s",
        "moved_s",
        "clear_s",
        "rearm_s",
        "gap_ratio",
    }
)
"""What parameters are called that go into the trigger and nowhere else; a test looks at every sense."""


class Setup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`views`: a mark of how each device looks at each zone, by `device/zone`; `rules`: a mark of what each rule that is kept by
    its samples looks for; `devices`: whom rules heard (a recording that is analyzed has one only), empty where it is not known.
    """

    views: dict[str, str] = {}
    rules: dict[str, str] = {}
    devices: list[str] = []


def kind_of(site: Site, rule: Rule) -> RuleKind | None:
    """The row of the registry that a rule was built by; None for a rule that a plug-in judges."""
    about = rule.binding
    if isinstance(rule.sense, PluginSense):
        return None
    device = site.device(about.device)
    return None if device is None else rule_kind(about.kind, device.kind)


def by_sample(site: Site, rules: RuleSet) -> dict[str, frozenset[str]]:
    """The rules whose samples are kept, each with the devices that it hears."""
    return {
        name: frozenset((rule.binding.device, *rule.also_devices))
        for name, rule in rules.rules.items()
        if (kind := kind_of(site, rule)) is not None and kind.by_sample
    }


def timing_params(kind: RuleKind) -> frozenset[str]:
    """Parameters of a kind kept by samples that a rehearsal may change: those that say how long, not what is looked for."""
    names = {f.encode_name for f in msgspec.structs.fields(kind.params)}
    return frozenset(names & TIMING_NAMES)


def setup_of(site: Site, rules: RuleSet) -> Setup:
    """What is set up now."""
    views = {key: _mark(repr(watch)) for key, watch in sorted(rules.watches.items())}
    marks: dict[str, str] = {}
    for name in by_sample(site, rules):
        rule = rules.rules[name]
        kind = kind_of(site, rule)
        given = {r.id: r.params for r in site.rules}.get(name, {})
        assert kind is not None
        params = _params(kind, given)
        about = rule.binding
        looks = {k: v for k, v in params.items() if k not in timing_params(kind)}
        view = views.get(f"{about.device}/{about.zone}", "")
        marks[name] = _mark(
            repr((about.kind, about.zone, about.device, sorted(looks.items()), view))
        )
    return Setup(views=views, rules=marks, devices=sorted(devices_of(rules)))


def devices_of(rules: RuleSet) -> frozenset[str]:
    """Whom these rules hear."""
    return frozenset(
        device
        for rule in rules.rules.values()
        for device in (rule.binding.device, *rule.also_devices)
    )


def read_setup(kept: bytes) -> Setup:
    """What was set up then; nothing where it cannot be read."""
    try:
        return msgspec.json.decode(kept, type=Setup)
    except msgspec.DecodeError:
        return Setup()


def write_setup(setup: Setup) -> bytes:
    """As it is kept."""
    return msgspec.json.encode(setup)


def _params(kind: RuleKind, given: dict[str, float | int | bool]) -> dict[str, object]:
    full: Params = msgspec.convert(dict(given), kind.params)
    return msgspec.structs.asdict(full)


def _mark(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
