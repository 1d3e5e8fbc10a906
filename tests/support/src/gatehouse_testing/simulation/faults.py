"""What goes wrong. Each fault is a function of the world at the moment it strikes; which and when is drawn from the seed."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gatehouse_edge.outbox.schema import PAGE_BYTES
from gatehouse_shared.names import Lane
from gatehouse_shared.topics import up
from gatehouse_testing.simulation import gateway as gateways
from gatehouse_testing.simulation import hub as hubs
from gatehouse_testing.simulation.gateway import GatewayNode
from gatehouse_testing.simulation.network import Weather

if TYPE_CHECKING:
    from gatehouse_testing.simulation.world import World

HOUR_S: Final = 3_600.0
Fault = Callable[["World", random.Random], None]


def bad_weather(world: "World", draw: random.Random) -> None:
    """Messages are lost, doubled, late and out of order for a while."""
    world.broker.weather = Weather(
        loss=draw.choice([0.01, 0.1, 0.3]),
        doubling=draw.choice([0.0, 0.1, 0.3]),
        slow=draw.choice([0.0, 0.1, 0.5]),
        slowest_s=draw.choice([1.0, 6.0, 20.0]),
    )
    world.later(draw.uniform(10, 120), world.clear_weather)


def gateway_cut_off(world: "World", draw: random.Random) -> None:
    """A gateway cannot reach the broker."""
    node = world.some_gateway(draw)
    world.broker.cut(node.name)
    world.later(draw.uniform(2, 200), lambda: world.broker.mend(node.name))


def hub_cut_off(world: "World", draw: random.Random) -> None:
    """The hub cannot reach the broker."""
    world.broker.cut(hubs.NAME)
    world.later(draw.uniform(2, 200), lambda: world.broker.mend(hubs.NAME))


def broker_restarts(world: "World", draw: random.Random) -> None:
    """The broker dies and is back with what it had retained."""
    _broker_dies(world, draw, wiped=False)


def broker_wiped(world: "World", draw: random.Random) -> None:
    """The broker dies and is back with nothing."""
    _broker_dies(world, draw, wiped=True)


def _broker_dies(world: "World", draw: random.Random, *, wiped: bool) -> None:
    world.broker.stop()
    world.later(draw.uniform(0.5, 60), lambda: world.broker.start(wiped=wiped))


def gateway_killed(world: "World", draw: random.Random) -> None:
    """The agent is killed, between two things or in the middle of a write."""
    _gateway_dies(world, draw, power=False)


def gateway_power_cut(world: "World", draw: random.Random) -> None:
    """The gateway loses its power, and with it what its disk had not synced."""
    _gateway_dies(world, draw, power=True)


def _gateway_dies(world: "World", draw: random.Random, *, power: bool) -> None:
    node = world.some_gateway(draw)
    if draw.random() < 0.4:
        node.die(power=power)
    else:
        node.disk.arm(draw.randint(1, 60), node.draw if power else None)
    world.later(draw.uniform(1, 60), lambda: _again(node))


def _again(node: GatewayNode) -> None:
    node.disk.disarm()
    node.start()


def gateway_disk_full(world: "World", draw: random.Random) -> None:
    """No block is left on a gateway's disk for a while."""
    node = world.some_gateway(draw)
    node.disk.full = True

    def over() -> None:
        node.disk.full = False
        node.start()

    world.later(draw.uniform(20, 200), over)


def gateway_clock_jumps(world: "World", draw: random.Random) -> None:
    """A gateway's wall clock is set by up to an hour either way."""
    world.some_gateway(draw).clock.skew_s += draw.choice([-HOUR_S, HOUR_S, -300.0, 300.0, 7.0])


def hub_clock_jumps(world: "World", draw: random.Random) -> None:
    """The hub's wall clock is set by up to an hour either way."""
    world.hub.clock.skew_s += draw.choice([-HOUR_S, HOUR_S, -300.0, 300.0, -7.0])


def gateway_clock_unknown(world: "World", draw: random.Random) -> None:
    """A gateway does not know whether its clock is right."""
    node = world.some_gateway(draw)
    node.clock.known = False

    def known() -> None:
        node.clock.known = True

    world.later(draw.uniform(20, 200), known)


def outbox_rolled_back(world: "World", draw: random.Random) -> None:
    """A copy of a gateway's disk is taken now and put back later."""
    node = world.some_gateway(draw)
    files = node.disk.copy(gateways.FILES)
    if not files:
        return
    known = len(world.truth.of(node.name))

    def put_back() -> None:
        if draw.random() < 0.5:
            node.stop()
        else:
            node.die(power=False)
        node.disk.disarm()
        node.disk.put_back(files, gateways.FILES)
        world.truth.unsettled.add(node.name)
        for row in world.truth.of(node.name)[known:]:
            row.excused = "rolled back"
        node.start()

    world.later(draw.uniform(5, 200), put_back)


def outbox_damaged(world: "World", draw: random.Random) -> None:
    """Pages of a gateway's outbox go bad while it is off: mostly its rows, sometimes what says which tables there are."""
    node = world.some_gateway(draw)
    node.stop()
    node.disk.disarm()
    path = node.disk.folder / gateways.FILES[0]
    content = bytearray(path.read_bytes()) if path.exists() else bytearray()
    pages = int.from_bytes(content[28:32], "big")
    if pages > 2:
        # The tables' roots lie before the room kept back, most rows behind it.
        places = [*range(2, 10), *range(gateways.RESERVED_PAGES, pages)]
        for page in draw.choices(places, k=draw.randint(1, 2)):
            start = page * PAGE_BYTES
            content[start : start + 64] = draw.randbytes(64)
        path.write_bytes(content)
        world.truth.unsettled.add(node.name)
        for row in world.truth.of(node.name):
            row.damaged = True
    world.later(draw.uniform(1, 30), node.start)


def hub_killed(world: "World", draw: random.Random) -> None:
    """The hub is killed, mostly in the middle of a transaction."""
    if draw.random() < 0.3:
        world.hub.die(power=False)
    else:
        world.hub.disk.arm(draw.randint(1, 80))
    _hub_again(world, draw)


def hub_power_cut(world: "World", draw: random.Random) -> None:
    """The hub's machine loses its power at a write."""
    world.hub.disk.arm(draw.randint(1, 80), world.hub.draw)
    _hub_again(world, draw)


def hub_killed_before_ack(world: "World", draw: random.Random) -> None:
    """The hub is killed between a commit and its ack."""
    world.hub.die_before_ack = True
    _hub_again(world, draw)


def hub_killed_before_turn(world: "World", draw: random.Random) -> None:
    """The hub is killed after an ack and before the linker has seen the rows."""
    world.hub.die_before_turn = True
    _hub_again(world, draw)


def _hub_again(world: "World", draw: random.Random) -> None:
    def again() -> None:
        world.hub.disk.disarm()
        world.hub.start()

    world.later(draw.uniform(5, 60), again)
    world.later(70, again)


def hub_restored(world: "World", draw: random.Random) -> None:
    """A backup of the hub is taken now and restored later."""
    files = world.hub.disk.copy(hubs.FILES)

    def restore() -> None:
        world.hub.die(power=False)
        world.hub.disk.disarm()
        world.hub.disk.put_back(files, hubs.FILES)
        world.hub.disk.revive()
        world.truth.restore_hub()
        world.hub.start()

    world.later(draw.uniform(5, 200), restore)


def birth_lost(world: "World", draw: random.Random) -> None:
    """The next births and deaths are lost on their way."""
    world.broker.lose_next["state"] = draw.randint(1, 3)


def stale_death(world: "World", draw: random.Random) -> None:
    """The will of an old connection comes long after a newer birth."""
    node = world.some_gateway(draw)
    if not node.on:
        return
    topic, payload = node.link.will()
    retain = draw.random() < 0.5

    def come() -> None:
        world.broker.inject(topic, payload, retain=retain)

    world.later(draw.uniform(20, 100), come)


def poison_message(world: "World", draw: random.Random) -> None:
    """Bytes that nobody can read, on a gateway's own topics."""
    node = world.some_gateway(draw)
    leaf = draw.choice(["alarm", "bulk", "state"])
    body = draw.choice([b"", b"{", b"[]", b"null", draw.randbytes(40), b'{"epochs":1}'])
    world.broker.inject(up(node.site.site, node.name, leaf), body)


def nonsense_row(world: "World", draw: random.Random) -> None:
    """A row that reads and breaks a rule: it goes to quarantine, and an alarm among them is not hidden."""
    node = world.some_gateway(draw)
    lane = draw.choice([Lane.ALARM, Lane.BULK])
    world.tell_nonsense(node, lane)


FAULTS: Final[dict[Fault, int]] = {
    bad_weather: 8,
    gateway_cut_off: 4,
    hub_cut_off: 2,
    broker_restarts: 2,
    broker_wiped: 2,
    gateway_killed: 4,
    gateway_power_cut: 4,
    gateway_disk_full: 3,
    gateway_clock_jumps: 2,
    hub_clock_jumps: 2,
    gateway_clock_unknown: 1,
    outbox_rolled_back: 3,
    outbox_damaged: 1,
    hub_killed: 3,
    hub_power_cut: 2,
    hub_killed_before_ack: 3,
    hub_killed_before_turn: 2,
    hub_restored: 3,
    birth_lost: 2,
    stale_death: 2,
    poison_message: 2,
    nonsense_row: 2,
}
"""Every fault with its weight in the draw."""


def drawn(draw: random.Random) -> Fault:
    """One fault."""
    return draw.choices(list(FAULTS), list(FAULTS.values()))[0]
