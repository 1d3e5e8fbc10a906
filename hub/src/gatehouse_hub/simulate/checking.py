"""Holding a store against what a fleet sent: every number of every lane, and every raised row in an incident."""

from collections.abc import Callable, Iterable

from gatehouse_hub.ports import Database
from gatehouse_hub.simulate.gateway import SimGateway
from gatehouse_hub.simulate.truth import StoredLane, Verdict
from gatehouse_hub.store.tallies import linked, tally
from gatehouse_shared.names import Lane


def check(
    database: Database, gateways: Iterable[SimGateway], told: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Judge every lane that sent anything. `told` hears how many gateways are done."""
    verdict = Verdict()
    for number, gateway in enumerate(gateways, 1):
        name, epoch = gateway.plot.gateway, gateway.epoch
        with database.snapshot() as tx:
            stored = tally(tx, name, epoch)
            members = linked(tx, name, epoch)
        for lane, truth in gateway.truth.items():
            found = stored[lane]
            verdict.judge(
                (name, epoch, lane), truth, StoredLane(found.rows, tuple(found.gaps), found.upto)
            )
        verdict.unlinked += abs(gateway.truth[Lane.ALARM].raised - members)
        told(number)
    return verdict
