"""The project's synthetic scenes: a Python module that draws a place at any second of its story.

A scene is code, so it runs here, in the decode child, and only from the folder of scenes that the agent was told.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.sources.decoder.reader import Pixels
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.values import FrameKind


class Scene(Protocol):
    """What a module of seeds/scenes offers as `SCENE`. `kind` is "colour" (BGR uint8) or "thermal" (float32 degrees)."""

    width: int
    height: int
    fps: float
    period_s: float
    kind: str

    def render(self, at: float) -> NDArray[np.generic]:
        """The picture at story second `at`, 0 <= at < period_s."""
        ...


def load_scene(name: str, folder: Path) -> Scene:
    """The scene of `folder/name.py`. Raises SourceFailedError that names the file when it is missing or broken."""
    path = folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"scenes_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SourceFailedError(FailReason.CONFIGURATION, f"there is no scene {path}")
    sys.path.append(str(folder))  # scenes share drawing modules; last, so that they shadow nothing
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses of the scene look their module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the scene's own code raises
        what = f"{type(error).__name__}: {error}"[:200]
        raise SourceFailedError(
            FailReason.CONFIGURATION, f"scene {path} cannot be loaded: {what}"
        ) from error
    scene = getattr(module, "SCENE", None)
    missing = [
        n for n in ("width", "height", "fps", "period_s", "kind", "render") if not hasattr(scene, n)
    ]
    if missing:
        raise SourceFailedError(
            FailReason.CONFIGURATION, f"SCENE of {path} lacks {', '.join(missing)}"
        )
    return cast("Scene", scene)


class SceneReader:
    """A scene as a source: from story second `start_s` on, round and round; one period when it is a recording."""

    device, passed = False, 0

    def __init__(self, scene: Scene, *, start_s: float, live: bool, fps: float | None) -> None:
        self._scene, self._start_s = scene, start_s
        self.thermal = FrameKind(scene.kind) is FrameKind.THERMAL
        self.native_fps = fps or float(scene.fps)
        self.pictures = 0 if live else max(1, round(scene.period_s * self.native_fps))
        self.size = (int(scene.height), int(scene.width))
        self._index = -1

    def grab(self) -> float | None:
        """Only counts; drawn when wanted."""
        if self.pictures and self._index + 1 >= self.pictures:
            return None
        self._index += 1
        return self._start_s + self._index / self.native_fps

    def picture(self, out: Pixels | None) -> Pixels:
        """Draws the present moment."""
        del out
        at = self._start_s + self._index / self.native_fps
        drawn = self._scene.render(at % self._scene.period_s)
        wanted = (*self.size,) if self.thermal else (*self.size, 3)
        if drawn.shape != wanted:
            raise SourceFailedError(
                FailReason.CONFIGURATION, f"the scene drew {drawn.shape}, not {wanted}"
            )
        if self.thermal:
            return drawn.astype(np.float32, copy=False)
        return drawn.astype(np.uint8, copy=False)

    def rewind(self) -> None:
        """Back to `start_s`."""
        self._index = -1

    def close(self) -> None:
        """Holds nothing open."""
