"""Whose frame the model sees next: the decision alone, and a simulated gateway that lives by it."""

import heapq
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.turns import (
    Priority,
    Seat,
    TurnReason,
    Wish,
    new_seat,
    next_turn,
)

LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


def seat(priority=NORMAL, *, floor_late=-0.5, behind=0.0, rate=5.0, floor=1.0, **more):
    """A camera that waits at second 100, late for its floor and behind its target by so many seconds."""
    return Seat(
        Wish(rate, floor, priority), 100 - floor_late, 100 - behind, **({"waits": True} | more)
    )


TABLE = {
    "nobody waits": ({"a": seat(waits=False)}, None),
    "who is looked at waits for that": ({"a": seat(looking=True)}, None),
    "only one waits": ({"a": seat(), "b": seat(waits=False)}, ("a", TurnReason.ONLY)),
    "the floor goes before priority": (
        {"a": seat(LOW, floor_late=0.1), "b": seat(HIGH)},
        ("a", TurnReason.FLOOR),
    ),
    "of two below their floor the later": (
        {"a": seat(HIGH, floor_late=0.1), "b": seat(LOW, floor_late=0.2)},
        ("b", TurnReason.FLOOR),
    ),
    "priority goes before lateness": (
        {"a": seat(NORMAL, behind=9), "b": seat(HIGH, behind=-0.1)},
        ("b", TurnReason.PRIORITY),
    ),
    "among equals who is further behind": (
        {"a": seat(behind=0.1), "b": seat(behind=0.3)},
        ("b", TurnReason.LATE),
    ),
    "further behind is counted in frames": (
        {"a": seat(behind=0.3, rate=2), "b": seat(behind=0.2, rate=10)},
        ("b", TurnReason.LATE),
    ),
    "of those who are even who was looked at longer ago": (
        {"a": seat(number=9), "b": seat(number=8)},
        ("b", TurnReason.LATE),
    ),
}


@pytest.mark.parametrize(("seats", "expected"), TABLE.values(), ids=TABLE.keys())
def test_who_is_next(seats, expected):
    turn = next_turn(seats, 100.0)
    assert (turn and (turn.camera, turn.reason)) == expected


@pytest.mark.parametrize(("rate", "floor"), [(5, 0), (5, 6), (0, 0), (1, -1)])
def test_a_wish_that_cannot_be_is_refused(rate, floor):
    with pytest.raises(ValueError, match="need 0 < floor"):
        Wish(rate, floor)


def test_what_was_not_wanted_is_not_owed():
    quiet = new_seat(Wish(5, 1), 0.0).offered(0.0).taken(0.0, 1).done()
    back = quiet.offered(3600.0)
    assert (back.floor_due, back.target_due) == (3600.0, 3600.0)


def test_a_look_that_came_late_does_not_put_off_the_next():
    late = new_seat(Wish(5, 1), 0.0).offered(0.0).taken(0.4, 1)
    assert late.floor_due == 1.0
    assert new_seat(Wish(5, 1), 0.0).offered(0.0).taken(7.0, 1).floor_due == 7.0


@dataclass
class Gateway:
    """`slots` models that need `look_s` a frame, and cameras whose frames come at their rate; the newest waits."""

    wishes: dict[str, Wish]
    slots: int
    look_s: float
    always: bool = False  # a frame is there at any time
    now: float = 0.0
    seats: dict[str, Seat] = field(default_factory=dict)
    taken: list[tuple[float, str]] = field(default_factory=list)
    idle: list[tuple[float, set[str]]] = field(default_factory=list)

    def run(self, until: float):
        self.seats = {name: new_seat(wish, 0.0) for name, wish in self.wishes.items()}
        events = [(0.0, 0, name) for name in self.wishes]  # (when, 0 frame | 1 look over, camera)
        heapq.heapify(events)
        free = self.slots
        while events[0][0] <= until:
            self.now, over, name = heapq.heappop(events)
            if over:
                self.seats[name] = self.seats[name].done()
                free += 1
            else:
                self.seats[name] = self.seats[name].offered(self.now)
                if not self.always:
                    heapq.heappush(events, (self.now + 1 / self.wishes[name].rate_fps, 0, name))
            if events and events[0][0] == self.now:
                continue
            while free and (turn := next_turn(self.seats, self.now)) is not None:
                self.seats[turn.camera] = self.seats[turn.camera].taken(
                    self.now, len(self.taken) + 1
                )
                if self.always:
                    self.seats[turn.camera] = self.seats[turn.camera].offered(self.now)
                self.taken.append((self.now, turn.camera))
                heapq.heappush(events, (self.now + self.look_s, 1, turn.camera))
                free -= 1
            ready = {n for n, s in self.seats.items() if s.waits and not s.looking}
            if free and ready:
                self.idle.append((self.now, ready))
        return self

    def looks(self, name, after=0.0):
        return [at for at, camera in self.taken if camera == name and at >= after]


priorities = st.sampled_from(list(Priority))
wishes = st.builds(
    lambda rate, share, priority: Wish(rate, rate * share, priority),
    st.sampled_from([1.0, 2.0, 5.0, 7.5, 12.0]),
    st.sampled_from([0.1, 0.2, 0.5, 1.0]),
    priorities,
)
gateways = st.builds(
    lambda chosen, slots, look_s: Gateway(
        {f"cam_{n}": wish for n, wish in enumerate(chosen)}, slots, look_s
    ),
    st.lists(wishes, min_size=1, max_size=10),
    st.integers(1, 4),
    st.sampled_from([0.005, 0.02, 0.05, 0.11]),
)
simulated = settings(max_examples=60, deadline=None)


@simulated
@given(gateways)
def test_no_slot_is_idle_while_a_frame_could_be_looked_at(gateway):
    assert gateway.run(10.0).idle == []


@simulated
@given(gateways)
def test_a_floor_is_held_whenever_there_is_time_for_all_floors(gateway):
    needed = sum(wish.floor_fps for wish in gateway.wishes.values()) * gateway.look_s
    others_s = (len(gateway.wishes) / gateway.slots + 1) * gateway.look_s
    tight = any(1 / w.floor_fps < 1 / w.rate_fps + others_s for w in gateway.wishes.values())
    if needed > 0.9 * gateway.slots or tight:
        return
    gateway.run(30.0)
    for name, wish in gateway.wishes.items():
        # a frame's wait and the looks under way may put one look off, and the end cuts one off
        assert len(gateway.looks(name)) >= 30.0 * wish.floor_fps * 0.98 - 2


@simulated
@given(gateways)
def test_every_target_is_met_where_there_is_time_for_all(gateway):
    needed = sum(wish.rate_fps for wish in gateway.wishes.values()) * gateway.look_s
    fastest = max(wish.rate_fps for wish in gateway.wishes.values())
    if needed > 0.4 * gateway.slots or gateway.look_s * len(gateway.wishes) * fastest > 0.9:
        return
    gateway.run(20.0)
    for name, wish in gateway.wishes.items():
        assert len(gateway.looks(name)) >= 20.0 * wish.rate_fps - 2


@simulated
@given(gateways)
def test_nobody_starves_however_little_time_there_is(gateway):
    gateway.run(40.0)
    cameras = len(gateway.wishes)
    for name, wish in gateway.wishes.items():
        times = [0.0, *gateway.looks(name), 40.0]
        most = max(after - before for before, after in pairwise(times))
        # due by its floor, then after everyone who was due before, and the next frame to come
        assert (
            most <= 1 / wish.floor_fps + 1 / wish.rate_fps + (cameras + 1) * gateway.look_s + 1e-6
        )


@simulated
@given(st.integers(2, 10), st.integers(1, 3), priorities, st.sampled_from([0.5, 2.0, 5.0]))
def test_equals_get_the_same(cameras, slots, priority, rate):
    wish = Wish(rate, rate / 5, priority)
    gateway = Gateway({f"cam_{n}": wish for n in range(cameras)}, slots, 0.09, always=True)
    gateway.run(20.0)
    counts = [len(gateway.looks(name)) for name in gateway.wishes]
    assert max(counts) - min(counts) <= 1


@simulated
@given(st.lists(priorities, min_size=2, max_size=8), st.integers(1, 2))
def test_a_higher_priority_never_gets_less(order, slots):
    cameras = {f"cam_{n}": Wish(5.0, 0.5, priority) for n, priority in enumerate(order)}
    gateway = Gateway(cameras, slots, 0.08, always=True).run(20.0)
    ranks = [LOW, NORMAL, HIGH]
    for a, b in ((a, b) for a in cameras for b in cameras):
        if ranks.index(cameras[a].priority) > ranks.index(cameras[b].priority):
            assert len(gateway.looks(a)) >= len(gateway.looks(b)) - 1


def test_above_the_floors_a_higher_priority_has_all_there_is():
    cameras = {"door": Wish(20, 1, HIGH), "yard": Wish(20, 1, LOW), "shed": Wish(20, 1, LOW)}
    gateway = Gateway(cameras, 1, 0.1, always=True).run(60.0)
    counts = {name: len(gateway.looks(name)) for name in cameras}
    assert counts["yard"] == pytest.approx(60, abs=3)
    assert counts["shed"] == pytest.approx(60, abs=3)
    assert counts["door"] == pytest.approx(480, abs=6)


def test_half_again_as_much_time_as_there_is_costs_all_equals_the_same_share():
    cameras = {f"cam_{n}": Wish(5, 1) for n in range(8)}
    gateway = Gateway(cameras, 2, 0.1).run(60.0)  # 40 looks a second are wanted, 20 are had
    counts = [len(gateway.looks(name)) for name in cameras]
    assert sum(counts) == pytest.approx(1200, abs=4)
    assert min(counts) >= 145
