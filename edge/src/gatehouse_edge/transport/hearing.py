"""Whether the hub still answers. Pure: what waits and when the hub was last heard in, a verdict out.

Why    a broker that refuses what a gateway publishes says success all the same (MQTT 3.1.1 knows no refusal), and one whose hub
       is away takes everything. So only the hub's silence shows that nothing arrives.
Rule   something has waited for its word on this connection for SILENT_S: silent. Any acknowledgement of ours ends it, and so
       does the connection, whose own end is told elsewhere.
"""

from dataclasses import dataclass, replace
from typing import Final

SILENT_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """Since when (monotonic seconds) something waits for the hub's word; None while nothing does. `silent`: for too long."""

    since: float | None = None
    silent: bool = False


def answered(state: Hearing, at: float) -> Hearing:
    """The hub acknowledged something of ours."""
    return Hearing(at if state.since is not None else None)


def step(state: Hearing, *, waiting: bool, at: float) -> Hearing:
    """`waiting`: the connection is up and something on it is not acknowledged."""
    if not waiting:
        return Hearing()
    since = at if state.since is None else state.since
    return replace(state, since=since, silent=at - since >= SILENT_S)
