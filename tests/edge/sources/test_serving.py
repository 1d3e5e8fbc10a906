"""Which pictures are due, and that a long way to the start is not taken for a stall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.sources.decoder import serving
from gatehouse_edge.sources.decoder.serving import Due, Serving
from gatehouse_edge.sources.failures import SourceFailedError
from gatehouse_edge.sources.messages import Ended, Hello, Open, Ready, Want
from gatehouse_edge.sources.slab import Slab
from gatehouse_edge.sources.spec import SourceSpec


def taken(ats, rate_fps):
    due, found = Due(rate_fps), []
    for at in ats:
        if due.at(at):
            due.take(at)
            found.append(at)
    return found


def test_without_a_rate_every_picture_is_due():
    assert taken([0, 0.1, 0.2], None) == [0, 0.1, 0.2]


@given(st.floats(0.2, 60), st.floats(0.1, 60), st.integers(1, 400))
def test_the_rate_is_kept_on_average_and_never_exceeded(native_fps, rate_fps, count):
    ats = [k / native_fps for k in range(count)]
    found = taken(ats, rate_fps)
    whole_spans = ats[-1] * rate_fps
    assert found[0] == 0
    assert len(found) <= whole_spans + 1 + 1e-3 * count
    if rate_fps >= native_fps * 1.001:
        assert found == ats
    else:
        assert len(found) >= whole_spans * 0.999 - 1


class Pictures:
    device, thermal, native_fps, pictures, size = False, False, 10.0, 30, (4, 4)
    passed = 0
    index = -1

    def grab(self):
        self.index += 1
        return self.index / 10 if self.index < 30 else None

    def picture(self, out):
        return np.full((4, 4, 3), self.index, np.uint8)

    def rewind(self):
        self.index = -1

    def close(self):
        pass


class Agent:
    """The agent's end, answering every Geometry with room."""

    def __init__(self, slab, spec):
        self.open = Open(spec=spec, live=False, origin_s=0, stall_s=10, slab_fd=slab.fd)
        self.slab, self.said, self.seq = slab, [], 0

    def want(self, timeout_s=None):
        self.slab.grow(4096)
        self.seq += 1
        return Want(self.seq, self.seq % 2, self.slab.slot_bytes)

    def sleep_until(self, instant_s):
        pass

    def say(self, message):
        self.said.append(message)


def test_the_agent_hears_of_a_long_way_to_the_start(monkeypatch):
    monkeypatch.setattr(serving, "GREET_EVERY_S", 0.0)
    slab = Slab.create()
    agent = Agent(slab, SourceSpec(url="x.mp4", start_s=2.5))
    Serving(agent, Pictures()).run()  # pyright: ignore[reportArgumentType] - a fake of the channel
    slab.close()
    kinds = [type(m) for m in agent.said]
    assert kinds == [Hello] * 26 + [Ready] * 5 + [Ended]
    assert agent.said[26].at == 2.5


def test_a_child_never_writes_beyond_what_it_was_lent():
    slab = Slab.create()
    agent = Agent(slab, SourceSpec(url="x.mp4"))
    agent.want = lambda timeout_s=None: Want(1, 0, 0)
    with pytest.raises(SourceFailedError, match="no room"):
        Serving(agent, Pictures()).run()  # pyright: ignore[reportArgumentType] - a fake of the channel
    slab.close()
