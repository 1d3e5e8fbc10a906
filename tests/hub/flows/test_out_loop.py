"""Sites are told of in an order that keeps up with many: what changed first, then what was not looked at for longest."""

from datetime import datetime

from gatehouse_hub.flows.leaseholder import EveryPart
from gatehouse_hub.flows.out_loop import DUE_MAX, OutLoop
from gatehouse_hub.notify.out_messages import SiteNow
from gatehouse_hub.notify.out_topics import OutTopics
from gatehouse_hub.ports import Database
from gatehouse_testing.desk import HandClock
from gatehouse_testing.hub_parts import CountingMetrics, RememberingBroker

NAMES = [f"site_{n}" for n in range(DUE_MAX + 200)]


def test_every_site_has_its_turn_and_one_of_which_something_is_new_goes_before(
    sqlite: Database,
) -> None:
    looked: list[str] = []
    clock = HandClock()

    def look(site: str, now: datetime) -> SiteNow | None:
        del now
        looked.append(site)
        return None

    loop = OutLoop(
        OutTopics(sqlite, RememberingBroker()),
        lambda: NAMES,
        look,
        clock,
        CountingMetrics(),
        EveryPart(1),
    )
    loop.refresh()
    assert len(looked) == DUE_MAX
    loop.note(NAMES[0])
    clock.move(10)
    loop.refresh()
    assert looked[DUE_MAX] == NAMES[0]
    assert set(looked) == set(NAMES)
