"""A plate that the hub asks for: done or refused on the wire, once."""

from datetime import UTC, datetime

import msgspec
import pytest

from gatehouse_edge.transport.requests import Desk, Now
from gatehouse_shared.commands import PlateRequest, Response
from gatehouse_shared.instants import format_instant
from gatehouse_shared.wire import encode

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
REQUEST = PlateRequest(
    request="ab" * 16,
    ttl_ms=60_000,
    hub_time=format_instant(NOW),
    camera="cam_1",
    purpose="verify_hazard",
)


def outcome(answer: bytes | None) -> str:
    assert answer is not None
    return msgspec.json.decode(answer, type=Response).outcome


@pytest.mark.parametrize(("kept", "said"), [(True, "done"), (False, "refused"), (None, "refused")])
def test_the_answer_says_whether_a_plate_was_kept(kept, said):
    asked = []

    def plate(request: PlateRequest) -> bool:
        asked.append((request.camera, request.purpose))
        return bool(kept)

    desk = Desk("0" * 16, lambda _: True, None, None if kept is None else plate)
    now = Now(NOW, True, 1000)
    first = desk.answer("plate", encode(REQUEST), now)
    assert outcome(first) == said
    assert desk.answer("plate", encode(REQUEST), now) == first
    assert asked == ([] if kept is None else [("cam_1", "verify_hazard")])
