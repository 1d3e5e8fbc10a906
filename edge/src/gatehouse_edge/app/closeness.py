"""What the size of a camera's picture and its marks mean to its model, in words for `check`: tiles, and the model's shape.

Hints, never problems: a camera that could be looked at better is looked at all the same. Works without `[vision]`.
"""

from typing import Final

from gatehouse_edge.config import Config
from gatehouse_edge.inference.catalogue import resolve_manifest
from gatehouse_edge.inference.manifest import DecoderKind, Manifest
from gatehouse_edge.inference.tiling import EVERY, Tiles, describe, lay_out
from gatehouse_edge.rules.build import views_of

WIDE: Final = 1.6
"""A picture at least this much wider than high leaves more than a third of a square input to the padding."""
RESHAPED: Final = "416x256"


def tiles_said(config: Config, device: str, size_wh: tuple[int, int]) -> str:
    """The tiles that a camera with such pictures has, or could have; empty where it has none and needs none.

    Raises ModelError, and RuleConfigError for marks that contradict each other.
    """
    camera = config.file.cameras[device]
    wanted = camera.tiles is Tiles.AUTO
    spec = _manifest(config, device).input
    views = views_of(config.site, config.file.gateway, device)
    layout = None if spec is None else lay_out(views, *size_wh, spec)
    if layout is not None:
        cost = 1 + len(layout.tiles) / EVERY
        if wanted:
            return f"{describe(layout)}; {cost:g} times the work of a look, on average"
        return f"off; with `tiles: auto`, {describe(layout)}, for {cost:g} times the work"
    if not wanted:
        return ""
    if all(view.homography is None for view in views):
        return "none: no view of this camera has marks, so it is not known where people are small"
    return (
        "none: by the marks nobody is too small for the model, or tiles would not make them larger"
    )


def shape_said(config: Config, device: str, size_wh: tuple[int, int]) -> str:
    """What the model in the shape of the picture would save; empty where it has that, or can have no other. Raises ModelError."""
    manifest, (width, height) = _manifest(config, device), size_wh
    spec = manifest.input
    named = config.file.cameras[device].model == manifest.name
    if manifest.decoder is not DecoderKind.YOLOX or spec is None or not named:
        return ""
    if spec.width != spec.height or width < WIDE * height:
        return ""
    return (
        f"{width}x{height} fills {height / width:.0%} of the square that it looks at; `gatehouse-edge model reshape "
        f"{manifest.name} --input {RESHAPED}` would save a third of the time"
    )


def _manifest(config: Config, device: str) -> Manifest:
    name = config.file.cameras[device].model
    path = str(config.path(name)) if name.endswith((".yaml", ".yml")) else name
    return resolve_manifest(path)[0]
