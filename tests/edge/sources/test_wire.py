"""Messages over a stream: whole ones only, whatever the pieces they come in."""

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.sources.messages import MAX_MESSAGE
from gatehouse_edge.sources.wire import Wire


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(ours), theirs


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8), st.integers(1, 50))
def test_messages_arrive_whole_and_in_order_however_they_are_cut(messages, step):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire, sent = Wire(ours), b"".join(struct.pack(">i", len(m)) + m for m in messages)
        got = []
        for at in range(0, len(sent), step):
            theirs.sendall(sent[at : at + step])
            while (message := wire.receive(0.0)) is not None:
                got.append(message)
        assert got == messages


def test_half_a_message_is_none_yet(ends):
    wire, theirs = ends
    theirs.sendall(struct.pack(">i", 10) + b"half")
    assert wire.receive(0.05) is None
    theirs.sendall(b"-whole")
    assert wire.receive(1.0) == b"half-whole"


@pytest.mark.parametrize("length", [-1, MAX_MESSAGE + 1, 2**31 - 1])
def test_a_length_that_cannot_be_is_refused_before_it_is_read(ends, length):
    wire, theirs = ends
    theirs.sendall(struct.pack(">i", length))
    with pytest.raises(OSError, match="bytes"):
        wire.receive(1.0)


def test_the_end_is_told_after_the_last_message(ends):
    wire, theirs = ends
    Wire(theirs).send(b"last")
    theirs.close()
    assert wire.receive(1.0) == b"last"
    with pytest.raises(EOFError):
        wire.receive(1.0)
