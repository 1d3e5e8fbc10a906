"""The agent on real sites, all figures in one run: `./dev bench edge`.

Each part is a measurement of its own too, in a file of its own: overhead beside the model, input in the picture's shape, the
gate, the tracker beside its peers, cameras a core, memory.
"""

from __future__ import annotations

import sys

from gatehouse_testing.dev.bench import BENCHES, Figure, measure

PARTS = (
    "edge_overhead",
    "edge_rect",
    "edge_gate",
    "tracker",
    "edge_cameras",
    "edge_memory",
)


def figures() -> dict[str, Figure]:
    """The figures of all parts."""
    found: dict[str, Figure] = {}
    for part in PARTS:
        print(f"edge: {part} …", file=sys.stderr, flush=True)
        found |= measure(part, BENCHES)
    return found
