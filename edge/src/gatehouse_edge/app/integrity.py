"""What open hazards of a camera's picture mean for the gateway: who is watched for them, and health that says so."""

from collections.abc import Iterable
from dataclasses import replace

from gatehouse_edge.config import Config
from gatehouse_edge.outbox.hazards import Hazards
from gatehouse_edge.rules.camera_integrity import INTEGRITY_KINDS
from gatehouse_edge.values import SourceHealth


def unwatched(config: Config) -> frozenset[str]:
    """Cameras whose integrity is switched off in the gateway's file."""
    return frozenset(d for d, camera in config.file.cameras.items() if not camera.integrity)


def with_integrity(cameras: Iterable[SourceHealth], hazards: Hazards) -> tuple[SourceHealth, ...]:
    """Health of cameras; one that gives frames but no true picture of its place is degraded."""
    faulty = {h.data.device for h in hazards.open if h.data.kind in INTEGRITY_KINDS}
    return tuple(
        replace(health, state="degraded")
        if health.device in faulty and health.state != "down"
        else health
        for health in cameras
    )
