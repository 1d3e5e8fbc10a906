"""Every metric that the hub's code counts is one that the rim knows, so that no thread dies of a name."""

import ast
from pathlib import Path

import gatehouse_hub
from gatehouse_hub.live.metrics import COUNTERS, GAUGES, HISTOGRAMS

KNOWN = {"count": COUNTERS, "observe": HISTOGRAMS, "set": GAUGES}


def test_every_metric_named_in_the_code_is_known() -> None:
    found = 0
    for path in Path(gatehouse_hub.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            holder = ast.unparse(node.func.value)
            if node.func.attr in KNOWN and holder.endswith("metrics") and node.args:
                name = ast.literal_eval(node.args[0])
                assert name in KNOWN[node.func.attr], f"{path.name}: {name}"
                found += 1
    assert found > 10
