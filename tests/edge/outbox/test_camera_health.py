"""What the health row of a camera says: shares in tenths, and nothing that tells who was in front of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.outbox.drafts import draft_camera
from gatehouse_edge.values import SourceHealth
from gatehouse_shared.events import CameraHealth, HealthData

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def row(state="ok", decoded=5.0, looked=1.0):
    health = SourceHealth(
        "cam_1", state, decoded_fps=decoded, looked_ratio=looked, target_fps=5.0, reconnects=0
    )
    data = draft_camera(health, NOW).data
    assert isinstance(data, HealthData)
    assert isinstance(data.camera, CameraHealth)
    return str(data.camera.state), data.camera.decode, data.camera.inference


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ({}, ("ok", 10, 10)),
        ({"decoded": 25.0}, ("ok", 10, 10)),
        ({"decoded": 3.0}, ("degraded", 6, 10)),
        ({"looked": 0.8}, ("ok", 10, 8)),
        ({"looked": 0.79}, ("degraded", 10, 8)),
        ({"looked": 0.0}, ("degraded", 10, 0)),
        ({"state": "degraded"}, ("degraded", 10, 10)),
        ({"state": "down", "decoded": 0.0, "looked": 0.0}, ("down", 0, 0)),
    ],
)
def test_a_camera_is_degraded_when_its_frames_do_not_come_or_are_not_looked_at(health, said):
    assert row(**health) == said


@given(st.floats(0, 100), st.floats(0, 1))
def test_shares_are_tenths(decoded, looked):
    _, decode, inference = row(decoded=decoded, looked=looked)
    assert 0 <= decode <= 10
    assert 0 <= inference <= 10
