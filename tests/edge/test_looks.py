"""The desk at which the looks of all cameras take turns, with real threads and a real slab."""

import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from gatehouse_edge.app.looks import LookDesk
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.turns import Wish
from gatehouse_edge.sources.slab import SLOTS, Slab
from gatehouse_edge.values import Frame, FrameKind, Place
from gatehouse_testing.waiting import wait_until

WISH = Wish(5.0, 1.0)
TIME = datetime(2026, 5, 4, tzinfo=UTC)


def frame(index, place=None):
    pixels = np.zeros((4, 4, 3), np.uint8)
    return Frame("cam", FrameKind.COLOUR, index, index / 5, TIME, pixels, place)


@pytest.fixture
def slab():
    made = Slab.create()
    made.grow(4096)
    yield made
    made.close()


def held(slab):
    """The slots that cannot be lent."""
    return [n for n in range(SLOTS) if slab.next_slot(n - 1, again=True) != n]


class Eye:
    """A look that takes until it is let go on."""

    def __init__(self, *, free=False, fails=0):
        self.seen, self.fails = [], fails
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(10_000 if free else 0)

    def __call__(self, frame):
        self.seen.append(frame.index)
        self.begun.release()
        assert self.go_on.acquire(timeout=20)
        if self.fails:
            self.fails -= 1
            raise ModelError("no model")


@pytest.fixture
def desk():
    made = LookDesk(2, SystemClock())
    yield made
    made.close()
    assert not any(t.name.startswith("look-") and t.is_alive() for t in threading.enumerate())


def test_a_waiting_camera_keeps_its_newest_frame_and_counts_the_others(desk):
    eye = Eye()
    desk.join("cam", WISH, eye)
    desk.offer("cam", frame(0))
    assert eye.begun.acquire(timeout=10)
    for index in range(1, 6):
        desk.offer("cam", frame(index))
    assert desk.awaited("cam") is True
    eye.go_on.release(2)
    wait_until(lambda: not desk.awaited("cam"))
    assert eye.seen == [0, 5]
    assert desk.skipped("cam") == 4


def test_a_slow_camera_holds_one_slot_and_the_others_go_on(desk):
    slow, quick = Eye(), Eye(free=True)
    desk.join("slow", WISH, slow)
    desk.join("quick", WISH, quick)
    desk.offer("slow", frame(0))
    assert slow.begun.acquire(timeout=10)
    for index in range(20):
        desk.offer("quick", frame(index))
        wait_until(lambda: not desk.awaited("quick"))
    assert quick.seen == list(range(20))
    assert desk.skipped("quick") == 0
    slow.go_on.release()


def test_a_frame_keeps_its_slot_until_it_was_looked_at_or_skipped(desk, slab):
    eye = Eye()
    desk.join("cam", WISH, eye)
    desk.offer("cam", frame(0, Place(slab, 0, 0)))
    assert eye.begun.acquire(timeout=10)
    desk.offer("cam", frame(1, Place(slab, 1, 4096)))
    assert held(slab) == [0, 1]
    desk.offer("cam", frame(2, Place(slab, 2, 8192)))
    assert held(slab) == [0, 2]
    eye.go_on.release(2)
    wait_until(lambda: not desk.awaited("cam"))
    assert held(slab) == []


def test_one_who_leaves_waits_for_its_look_and_holds_nothing(desk, slab):
    eye = Eye()
    desk.join("cam", WISH, eye)
    desk.offer("cam", frame(0, Place(slab, 0, 0)))
    assert eye.begun.acquire(timeout=10)
    desk.offer("cam", frame(1, Place(slab, 1, 4096)))
    leaving = threading.Thread(target=desk.leave, args=("cam",))
    leaving.start()
    eye.go_on.release()
    leaving.join(10)
    wait_until(lambda: held(slab) == [])
    assert eye.seen == [0]
    desk.leave("cam")


def test_a_look_that_fails_is_said_once_and_the_camera_left_alone_for_a_while(desk, slab, caplog):
    eye = Eye(free=True, fails=1)
    desk.join("cam", WISH, eye)
    with caplog.at_level(logging.INFO):
        desk.offer("cam", frame(0))
        wait_until(lambda: "not looked at: no model" in caplog.text)
        desk.offer("cam", frame(1, Place(slab, 0, 0)))
        assert desk.skipped("cam") == 2
        assert held(slab) == []

        def offered_again():
            desk.offer("cam", frame(2))
            return len(eye.seen) > 1

        wait_until(offered_again)
        wait_until(lambda: "looked at again" in caplog.text)
    assert caplog.text.count("not looked at") == 1


def test_a_fault_of_the_agents_own_ends_no_thread(desk, caplog):
    def broken(_frame):
        raise ZeroDivisionError

    desk.join("broken", WISH, broken)
    well = Eye(free=True)
    desk.join("well", WISH, well)
    desk.offer("broken", frame(0))
    wait_until(lambda: "ZeroDivisionError in the agent" in caplog.text)
    desk.offer("well", replace(frame(7)))
    wait_until(lambda: well.seen == [7])


def test_all_slots_work_at_once(desk):
    eyes = [Eye(), Eye()]
    for n, eye in enumerate(eyes):
        desk.join(f"cam_{n}", WISH, eye)
        desk.offer(f"cam_{n}", frame(n))
    assert all(eye.begun.acquire(timeout=10) for eye in eyes)
    for eye in eyes:
        eye.go_on.release()
