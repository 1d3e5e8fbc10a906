"""The site file of now with changed rules: from a file of changes, from a whole site file, from `RULE.PARAM=VALUE`.

A file of changes has the words of the site file, and only what changes:

    rules:
      - {id: lane_free, params: {warn_s: 90}}      # a rule that is there: other parameters stay
      - {id: yard_stay, kind: dwell, zone: yard, device: cam_2, schedule: night}
    schedules:
      - {id: night, hours: ["21:00-06:00"], days: [mon, tue, wed, thu, fri, sat, sun]}
    closed_hours: {yard: ["21:00-05:00"]}
    remove: [old_rule]

What cannot be rehearsed is refused, with the reason and what can be: what a rule looks for in tracks or pictures was settled
when its samples were kept, and how things stand still when the signals of a zone were made.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from gatehouse_edge.errors import ConfigError
from gatehouse_edge.history.setup import TIMING_NAMES, kind_of, setup_of
from gatehouse_edge.rules.ruleset import RuleSet
from gatehouse_shared.errors import SiteError
from gatehouse_shared.ids import Id
from gatehouse_shared.site import Rule, Schedule, Site, Zone, check_site, decode_site

Value = float | int | bool


class RuleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule that is there with other parameters or hours, or, with a kind, a whole rule."""

    id: Id
    kind: str | None = None
    zone: Id | None = None
    device: Id | None = None
    params: dict[str, Value] = {}
    schedule: Id | msgspec.UnsetType | None = msgspec.UNSET


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of changes."""

    rules: Annotated[list[RuleChange], Meta(max_length=1024)] = []
    schedules: list[dict[str, object]] = []
    closed_hours: dict[Id, list[str]] = {}
    remove: list[Id] = []


def changed_site(site: Site, tree: object, settings: Sequence[str], place: str) -> Site:
    """The site with changes. `tree`: plain values of the file, None without one. ConfigError names the key and the remedy."""
    try:
        if isinstance(tree, dict) and "zones" in tree:
            other = decode_site(cast("dict[str, object]", tree))
            changed = msgspec.structs.replace(
                site, rules=other.rules, schedules=other.schedules, zones=_hours_of(site, other)
            )
        elif tree is not None:
            changed = _patched(site, msgspec.convert(tree, Changes), place)
        else:
            changed = site
        changed = _set(changed, settings)
        check_site(changed)
    except msgspec.ValidationError as error:
        raise ConfigError(
            str(error), place=place, remedy="See the form in docs/rehearsal.md"
        ) from None
    except SiteError as error:
        raise ConfigError(
            error.message, place=f"{place}: {error.place}", remedy=error.remedy
        ) from None
    return changed


def refusals(site: Site, rules: RuleSet, changed: Site, new: RuleSet) -> list[str]:
    """Why these changes cannot be rehearsed: a sentence for each; nothing where they can."""
    before, after = setup_of(site, rules), setup_of(changed, new)
    out: list[str] = []
    for name, rule in new.rules.items():
        kind = kind_of(changed, rule)
        if kind is None:
            continue
        can = sorted(TIMING_NAMES & {f.name for f in msgspec.structs.fields(kind.params)})
        if kind.by_sample and name not in before.rules:
            out.append(
                f"rule {name} ({kind.name}) is new, and what it looks at is never kept: it can be rehearsed once it has run"
            )
        elif kind.by_sample and before.rules[name] != after.rules[name]:
            named = sorted(set(_different(site, changed, name)) - TIMING_NAMES)
            out.append(
                f"rule {name} ({kind.name}): {', '.join(named) or 'its zone or device'} cannot be rehearsed, since tracks and"
                f" pictures are never kept; {', '.join(can)} and the hours can"
            )
        key = f"{rule.binding.device}/{rule.binding.zone}"
        if kind.stillness is not None and before.views.get(key) != after.views.get(key):
            settled = ("greatest_speed_m_s", "least_overlap_ratio", "least_object_m2")
            named = [n for n in _different(site, changed, name) if n in settled]
            others = sorted({f.name for f in msgspec.structs.fields(kind.params)} - set(settled))
            out.append(
                f"rule {name} ({kind.name}): {', '.join(named) or 'how things stand still'} cannot be rehearsed, since it was"
                f" settled when the zone's signals were made; {', '.join(others)} can"
            )
    return out


def described(site: Site, changed: Site) -> list[str]:
    """What changes, a line each."""
    out: list[str] = []
    old = {rule.id: rule for rule in site.rules}
    new = {rule.id: rule for rule in changed.rules}
    out += [f"{name}: removed" for name in old if name not in new]
    out += [
        f"{name}: a new rule, {new[name].kind} in {new[name].zone}"
        for name in new
        if name not in old
    ]
    for name in (n for n in new if n in old):
        a, b = old[name], new[name]
        for param in sorted({*a.params, *b.params}):
            if a.params.get(param) != b.params.get(param):
                out.append(
                    f"{name}.{param}: {a.params.get(param, 'default')} becomes {b.params.get(param, 'default')}"
                )
        if a.schedule != b.schedule:
            out.append(f"{name}: schedule {a.schedule or 'none'} becomes {b.schedule or 'none'}")
    hours = {s.id: s for s in site.schedules}
    out += [
        f"schedule {s.id}: {', '.join(s.hours)} on {', '.join(s.days)}"
        for s in changed.schedules
        if hours.get(s.id) != s
    ]
    for a_zone, b_zone in zip(site.zones, changed.zones, strict=True):
        if a_zone.closed_hours != b_zone.closed_hours:
            out.append(f"zone {a_zone.id}: closed {', '.join(b_zone.closed_hours) or 'never'}")
    return out


def _different(site: Site, changed: Site, name: str) -> list[str]:
    a, b = (_given(one, name) for one in (site, changed))
    return [p for p in sorted({*a, *b}) if a.get(p) != b.get(p)]


def _given(site: Site, name: str) -> dict[str, Value]:
    rule = next((rule for rule in site.rules if rule.id == name), None)
    return {} if rule is None else rule.params


def _hours_of(site: Site, other: Site) -> tuple[Zone, ...]:
    zones = {zone.id: zone for zone in other.zones}
    return tuple(
        msgspec.structs.replace(zone, closed_hours=zones[zone.id].closed_hours)
        if zone.id in zones
        else zone
        for zone in site.zones
    )


def _patched(site: Site, changes: Changes, place: str) -> Site:
    rules = {rule.id: rule for rule in site.rules}
    for name in changes.remove:
        if rules.pop(name, None) is None:
            raise _no_rule(name, rules, f"{place}: remove")
    for change in changes.rules:
        rules[change.id] = _rule(change, rules, place)
    schedules = {s.id: s for s in site.schedules}
    for words in changes.schedules:
        schedule = msgspec.convert(words, Schedule)
        schedules[schedule.id] = schedule
    zones = {zone.id for zone in site.zones}
    for zone_id in changes.closed_hours:
        if zone_id not in zones:
            raise ConfigError(f"there is no zone {zone_id!r}", place=f"{place}: closed_hours")
    return msgspec.structs.replace(
        site,
        rules=tuple(rules.values()),
        schedules=tuple(schedules.values()),
        zones=tuple(
            msgspec.structs.replace(zone, closed_hours=tuple(changes.closed_hours[zone.id]))
            if zone.id in changes.closed_hours
            else zone
            for zone in site.zones
        ),
    )


def _rule(change: RuleChange, rules: Mapping[str, Rule], place: str) -> Rule:
    known = rules.get(change.id)
    schedule = None if change.schedule is msgspec.UNSET else change.schedule
    if change.kind is not None:
        words = {k: v for k, v in msgspec.structs.asdict(change).items() if v is not msgspec.UNSET}
        return msgspec.convert({**words, "schedule": schedule}, Rule)
    if known is None:
        raise _no_rule(change.id, rules, f"{place}: rules")
    if change.schedule is msgspec.UNSET:
        schedule = known.schedule
    return msgspec.structs.replace(
        known,
        params={**known.params, **change.params},
        schedule=schedule,
        zone=change.zone or known.zone,
        device=change.device or known.device,
    )


def _set(site: Site, settings: Sequence[str]) -> Site:
    rules = {rule.id: rule for rule in site.rules}
    for text in settings:
        target, equals, value = text.partition("=")
        name, dot, param = target.partition(".")
        if not (equals and dot and param):
            raise ConfigError(
                f"{text!r} is no setting", place="--set", remedy="Write RULE.PARAM=VALUE"
            )
        if name not in rules:
            raise _no_rule(name, rules, "--set")
        rule = rules[name]
        if param == "schedule":
            rules[name] = msgspec.structs.replace(rule, schedule=value or None)
        else:
            params = {**rule.params, param: _number(value, text)}
            rules[name] = msgspec.structs.replace(rule, params=params)
    return msgspec.structs.replace(site, rules=tuple(rules.values()))


def _number(text: str, setting: str) -> Value:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no number", place=f"--set {setting}", remedy="Write RULE.PARAM=VALUE"
        ) from None


def _no_rule(name: str, rules: Iterable[str], place: str) -> ConfigError:
    return ConfigError(
        f"there is no rule {name!r} in the site file",
        place=place,
        remedy=f"Use one of {', '.join(sorted(rules)) or 'none'}, or give a kind, zone and device",
    )
