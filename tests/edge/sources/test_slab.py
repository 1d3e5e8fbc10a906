"""The memory between a decoder and those who look at its pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.errors import SourceError
from gatehouse_edge.sources.slab import SLOTS, Slab, picture_bytes


@pytest.fixture
def slab():
    made = Slab.create()
    made.grow(picture_bytes(36, 64, thermal=False))
    yield made
    made.close()


def test_a_held_slot_is_not_lent(slab):
    slab.hold(1)
    assert slab.next_slot(0, again=True) == 2
    slab.hold(2)
    assert slab.next_slot(0, again=True) == 0
    slab.release(1)
    assert slab.next_slot(0, again=True) == 1


def test_a_picture_that_is_still_looked_at_is_lent_to_nobody(slab):
    slab.hold(1)
    slab.hold(2)
    assert slab.next_slot(0, again=False) is None


@given(st.lists(st.integers(0, SLOTS - 1), max_size=6), st.integers(0, SLOTS - 1), st.booleans())
def test_what_is_lent_is_neither_held_nor_the_present_picture(held, present, again):
    slab = Slab.create()
    try:
        for slot in held:
            slab.hold(slot)
        lent = slab.next_slot(present, again=again)
        allowed = set(range(SLOTS)) - set(held) - (set() if again else {present})
        assert lent in allowed if allowed else lent is None
    finally:
        slab.close()


def test_a_duplicate_shows_the_same_pictures_and_outlives_the_slab(slab):
    slab.colour(1, 36, 64)[:] = 7
    fd, offset = slab.duplicate(), slab.offset(1)
    slab.close()
    with os.fdopen(fd, "rb") as seen:
        seen.seek(offset)
        assert set(np.frombuffer(seen.read(36 * 64 * 3), np.uint8)) == {7}


def test_a_closed_slab_gives_no_descriptor(slab):
    slab.close()
    with pytest.raises(OSError, match=r"Bad file"):
        slab.duplicate()


def test_memories_are_told_apart_though_their_descriptors_have_one_number():
    first = Slab.create()
    fd = first.fd
    first.close()
    second = Slab.create()
    assert (second.fd, second.number) == (fd, first.number + 1)
    second.close()


def test_a_closed_slab_leaves_no_descriptor_behind():
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        slab = Slab.create()
        slab.grow(4096)
        slab.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_slab_does_not_grow_over_a_picture_that_somebody_looks_at(slab, monkeypatch):
    monkeypatch.setattr("gatehouse_edge.sources.slab.SETTLE_S", 0.05)
    before = slab.slot_bytes
    slab.hold(1)
    with pytest.raises(SourceError, match="looked at"):
        slab.grow(before * 4)
    assert slab.slot_bytes == before
    slab.release(1)
    slab.grow(before * 4)
    assert slab.slot_bytes >= before * 4
