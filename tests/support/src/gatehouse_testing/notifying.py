"""A notifier in a process of its own, to be killed: `python -m gatehouse_testing.notifying DATABASE CONSUMER PORT`."""

import logging
import sys

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.dispatching.telling import Consumer, Priority, Standing, What, key_of
from gatehouse_hub.notify.notifier import Notifier
from gatehouse_hub.notify.webhook import Webhook
from gatehouse_hub.ports import Database
from gatehouse_hub.store import notifications
from gatehouse_hub.store.database import open_database
from gatehouse_hub.store.notifications import NewNotification
from gatehouse_shared.names import HazardClass, HazardKind
from gatehouse_shared.out import IncidentState
from gatehouse_testing.hub_parts import CountingMetrics
from gatehouse_testing.receiver import Receiver

DESK = Consumer("desk", frozenset(), frozenset(HazardClass), "P4")
LEASE_S = 2.5


def standing(incident: str, *, priority: Priority = "P2", live_rows: int = 1) -> Standing:
    """An incident of the site `testing`."""
    return Standing(
        incident=incident, site="testing", hazard_class=HazardClass.THING, kind=HazardKind.FIRE_SMOKE, zone="z0",
        priority=priority, opened_ms=0, state=IncidentState.OPEN, drill=False, historical=False, merged_into=None, acts=0,
        live_rows=live_rows,
    )  # fmt: skip


def leave(
    database: Database,
    incident: str,
    at_ms: int,
    *,
    name: str = "opened",
    priority: Priority = "P2",
) -> str:
    """Write that DESK must be told; the key."""
    key = key_of(DESK.id, incident, name)
    new = NewNotification(
        key=key, consumer=DESK.id, standing=standing(incident, priority=priority), what=What.OPENED,
        body=f'{{"notification":"{key}"}}', made_ms=at_ms,
    )  # fmt: skip
    with database.transaction() as tx:
        notifications.add(tx, [new])
    return key


def make_notifier(database: Database, consumer: str, told: Receiver) -> Notifier:
    """A notifier that gives up nothing for long: leases of LEASE_S."""
    hook = Webhook(told.address(), connect_s=0.5, send_s=1.0)
    return Notifier(database, {consumer: hook}, SystemClock(), CountingMetrics(), margin_s=0.5)


def main(argv: list[str]) -> None:
    """Tell until killed."""
    logging.basicConfig(level=logging.ERROR)
    url, consumer, port = argv
    database = open_database(url, SystemClock())
    print("there", flush=True)
    make_notifier(database, consumer, Receiver(port=int(port))).run()


if __name__ == "__main__":
    main(sys.argv[1:])
