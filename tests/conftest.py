"""What every test may ask for."""

import os
from pathlib import Path

import pytest

from gatehouse_testing.dev.paths import ROOT


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of test material that is not part of the repository; skips where there is none."""
    folder = Path(os.environ.get("GATEHOUSE_ASSETS") or ROOT.parent / "shared" / "assets").resolve()
    if not (folder / "INDEX.md").exists():
        pytest.skip("no test material; GATEHOUSE_ASSETS names no folder with an INDEX.md")
    return folder
