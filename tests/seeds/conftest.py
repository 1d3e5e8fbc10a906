"""The scenes and the training package lie outside of every installed package; here they are put on the path."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from gatehouse_testing.dev.paths import ROOT

SEEDS = ROOT / "seeds"
sys.path += [str(SEEDS / "scenes"), str(SEEDS / "models")]

import fire_lane  # noqa: E402
import gate  # noqa: E402
import plaza  # noqa: E402
import shed_thermal  # noqa: E402

SCENES: dict[str, ModuleType] = {
    "plaza": plaza,
    "fire_lane": fire_lane,
    "gate": gate,
    "shed_thermal": shed_thermal,
}


@pytest.fixture(params=SCENES)
def scene_module(request: pytest.FixtureRequest) -> ModuleType:
    """Every scene, one after another."""
    return SCENES[request.param]


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder of seeds."""
    return SEEDS
