"""The folder of test material that is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

from gatehouse_testing.dev.paths import ROOT


def assets_folder() -> Path:
    """What `GATEHOUSE_ASSETS` names, else `../shared/assets` beside the repository; it need not exist."""
    return Path(os.environ.get("GATEHOUSE_ASSETS") or ROOT.parent / "shared" / "assets").resolve()


def look_in_assets() -> Path:
    """Lets the model catalogue of this process look there too. Gives the folder."""
    folder = assets_folder()
    os.environ["GATEHOUSE_ASSETS"] = str(folder)
    return folder
