"""Writes what is generated from the rules' parameters: `seeds/rules/default.yaml` and the tables of `edge/docs/rules.md`.

    python -m gatehouse_testing.rulepack

The tests compare; nothing here is edited by hand.
"""

import re
from pathlib import Path

import yaml

from gatehouse_edge.rules.parameters import ParamSpec, specs
from gatehouse_edge.rules.registry import RULE_KINDS, pack
from gatehouse_edge.rules.rule_kind import RuleKind
from gatehouse_edge.rules.severity import SEVERITY
from gatehouse_edge.rules.supply import SPEAKING
from gatehouse_shared.names import DeviceKind, class_of
from gatehouse_testing.dev.paths import ROOT

PACK: Path = ROOT / "seeds" / "rules" / "default.yaml"
DOCS: Path = ROOT / "edge" / "docs" / "rules.md"
HEAD = """\
# The shipped rule pack: every rule, what its grades mean, every parameter with its range and where its default comes from.
# Generated from the rules by `python -m gatehouse_testing.rulepack`; a site changes single parameters in its own file.
# Sources: F found in a public source, G general knowledge of the field, M measured by us, O ours and untested in the field.
"""
_KINDS = re.compile(r"(<!-- kinds -->\n).*?(<!-- end -->)", re.DOTALL)
_TABLE = re.compile(r"(<!-- params: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pack_text() -> str:
    """The rule pack as YAML."""
    return HEAD + yaml.safe_dump(pack(), sort_keys=False, allow_unicode=True, width=120)


def with_tables(text: str) -> str:
    """The docs with every table between its marks as the rules have it now."""
    kinds = {r.name: r for r in RULE_KINDS}
    text = _KINDS.sub(lambda m: m[1] + summary() + m[2], text)
    return _TABLE.sub(lambda m: m[1] + table(kinds[m[2]]) + m[3], text)


def summary() -> str:
    """All rules in Markdown: kind, device, class, severity."""
    lines = [
        "",
        "| rule | kind | devices | class | severity |",
        "|---|---|---|---|---|",
        *(
            f"| [{r.name}](#{r.name}) | `{r.kind}` | {devices(r)} | {class_of(r.kind).name.lower()} | {SEVERITY[r.kind]} |"
            for r in sorted(RULE_KINDS, key=lambda r: (SEVERITY[r.kind], r.name))
        ),
        "",
        "",
    ]
    return "\n".join(lines)


def devices(kind: RuleKind) -> str:
    """Its devices by name; nearly all of them by what they have in common."""
    if kind.devices == frozenset(DeviceKind):
        return "every device"
    if kind.devices == SPEAKING:
        return "every device that gives readings"
    return ", ".join(sorted(kind.devices))


def table(kind: RuleKind) -> str:
    """Grades and parameters of one rule in Markdown."""
    grades = "; ".join(f"{grade}: {meaning}" for grade, meaning in kind.grades.items())
    lines = [
        "",
        f"Devices: {devices(kind)}. Grades: {grades}.",
        "",
        "| parameter | default | range | unit | source | |",
        "|---|---|---|---|---|---|",
        *(_row(s) for s in specs(kind.params)),
        "",
        "",
    ]
    return "\n".join(lines)


def _row(spec: ParamSpec) -> str:
    bounds = f"{spec.low:g} to {spec.high:g}"
    return f"| `{spec.name}` | {spec.default:g} | {bounds} | {spec.unit} | {spec.source} | {spec.about} |"


def write() -> None:
    """Writes both files."""
    PACK.parent.mkdir(parents=True, exist_ok=True)
    PACK.write_text(pack_text(), encoding="utf-8")
    DOCS.write_text(with_tables(DOCS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
