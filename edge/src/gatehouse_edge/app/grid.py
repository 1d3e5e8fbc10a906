"""`grid CAMERA`: is it marked right? Zones, lines and metre grid over one picture of the place, and what the marks are worth.

People   the picture is the median of some frames over a few seconds; who stays is flat gray. It goes to a page of this
         machine, from memory, and nowhere else.
Report   for each view: how far every mark lies off, pixels a metre near and far, and where people are too small for the model.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gatehouse_edge.app.page import page, show
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config, load_config
from gatehouse_edge.errors import ConfigError, RuleConfigError, SourceError
from gatehouse_edge.inference.detector import ChildDetector, open_detector
from gatehouse_edge.rules.ground_scale import SMALL_PX, ground_of, mark_residuals_m
from gatehouse_edge.rules.homography import Homography, homography
from gatehouse_edge.rules.views import View, check_view
from gatehouse_edge.sources.opening import open_source
from gatehouse_edge.sources.spec import DEVICES, parse
from gatehouse_edge.values import Frame
from gatehouse_shared import site as site_file
from gatehouse_shared.names import DeviceKind

FRAMES: Final = 20
RATE_FPS: Final = 4.0
WAIT_S: Final = 20.0
DEFAULT_INPUT_PX: Final = 416
EYES: Final = "yolox_nano"
"""Finds people where the camera's own model looks for motion only."""
OFF_M: Final = 0.5
"""A mark that lies farther off is pointed at."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked: which camera of which file, and for how long the page stands (0: the report only)."""

    file: Path
    camera: str
    minutes: float = 5.0
    port: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """The camera's picture, and the longer side of the model's input."""

    width: int
    height: int
    model_px: int


def grid(wish: Wish, say: Callable[[str], None]) -> int:
    """Report and page; 0 when every view with marks is sound, else 1. Raises ConfigError, SourceError and ModelError."""
    from gatehouse_edge.app.grid_picture import Drawing, without_people  # noqa: PLC0415

    config = load_config(wish.file)
    views = _views(config, wish.camera)
    detector = _detector(config, wish.camera)
    try:
        frames = collect(config, wish.camera)
        place = without_people(frames, detector)
    finally:
        detector.close()
    drawing = Drawing(place)
    high, wide = frames[-1].pixels.shape[:2]
    shape = detector.manifest.input
    size = Size(wide, high, DEFAULT_INPUT_PX if shape is None else max(shape.width, shape.height))
    lines, sound = [f"{wish.camera}: {wide} x {high} pixels"], True
    for view in views:
        fit, told = judge(view, size)
        sound = sound and (fit is not None or not view.marks)
        if fit is not None:
            spacing = drawing.grid(fit, view.polygon)
            told = (*told, f"  the grid's lines are {spacing:g} m apart, every fifth is bold")
        drawing.zone(view.zone, view.polygon)
        drawing.marks(view.marks)
        lines += told
    for line in config.site.lines:
        if line.device == wish.camera:
            drawing.line(line.id, *line.points)
    for text in lines:
        say(text)
    if wish.minutes > 0:
        body = page(f"{wish.camera}: zones, lines and metres", drawing.png(), tuple(lines))
        show(body, port=wish.port, minutes=wish.minutes, say=say)
    return 0 if sound else 1


def judge(view: site_file.View, size: Size) -> tuple[Homography | None, tuple[str, ...]]:
    """What the marks of a view are worth, in words; the fit where there is one."""
    place = f"view of {view.zone} by {view.device}"
    if not view.marks:
        return None, (f"{place}: no marks, so sizes here are rough; mark four or more points",)
    try:
        fit = homography(view.marks, place)
        check_view(View(view.device, view.zone, view.polygon, fit), place)
    except RuleConfigError as error:
        return None, (str(error),)
    return fit, (f"{place}: {len(view.marks)} marks", *_marks(view, fit), *_scales(view, fit, size))


def _marks(view: site_file.View, fit: Homography) -> Iterator[str]:
    off = mark_residuals_m(fit, view.marks)
    for number, ((_, (x, y)), residual) in enumerate(zip(view.marks, off, strict=True), 1):
        if residual is None:
            yield f"  mark {number} at ({x:g}, {y:g}) m lies beyond the horizon"
            continue
        hint = "  <- check this one" if residual > OFF_M else ""
        yield f"  mark {number} at ({x:g}, {y:g}) m: {residual:.2f} m off{hint}"
    if len(view.marks) == 4:
        yield "  four marks always fit; a fifth shows whether they are right"


def _scales(view: site_file.View, fit: Homography, size: Size) -> Iterator[str]:
    ratio = min(1.0, size.model_px / max(size.width, size.height))
    ground = ground_of(fit, view.polygon, width_px=size.width, model_ratio=ratio)
    if ground is None:
        yield "  no point of the zone lies on the ground that the marks span"
        return
    for word, scale in (("near", ground.near), ("far", ground.far)):
        yield (
            f"  {word}: {scale.px_per_m:.0f} px/m, a person {scale.person_px:.0f} px tall, "
            f"{scale.person_px * ratio:.0f} px as the model sees it"
        )
    if ground.small_ratio > 0:
        yield (
            f"  in {ground.small_ratio:.0%} of the zone people are smaller than {SMALL_PX} px for the model: "
            "expect to miss some there"
        )


def collect(config: Config, camera: str) -> list[Frame]:
    """Some frames over a few seconds, copied. Raises SourceError when the camera gives none."""
    spec = msgspec.structs.replace(config.source(camera), rate_fps=RATE_FPS)
    live = parse(spec, place=camera).scheme in DEVICES
    clock = SystemClock()
    source = open_source(camera, spec, live=live, clock=clock, seeds=config.seeds)
    frames: list[Frame] = []
    end_s = clock.monotonic_s() + WAIT_S
    try:
        while len(frames) < FRAMES and not source.ended and clock.monotonic_s() < end_s:
            got = source.read(1.0)
            if isinstance(got, Frame):
                frames.append(_copied(got))
        if not frames and source.failure is not None:
            raise source.failure
    finally:
        source.close()
    if not frames:
        raise SourceError(
            f"no frame within {WAIT_S:.0f} s", place=camera, remedy="Try `gatehouse-edge check`"
        )
    return frames


def _copied(frame: Frame) -> Frame:
    return Frame(frame.device, frame.kind, frame.index, frame.at, frame.time, frame.pixels.copy())


def _views(config: Config, camera: str) -> tuple[site_file.View, ...]:
    mine = [d for d in config.file.cameras if config.kind(d) is DeviceKind.CAMERA]
    if camera not in mine:
        raise ConfigError(
            f"there is no colour camera {camera!r}",
            place="grid",
            remedy=f"Use one of: {', '.join(mine) or 'none is configured'}",
        )
    views = tuple(view for view in config.site.views if view.device == camera)
    if not views:
        raise ConfigError(
            f"the site file has no view of {camera}",
            place="grid",
            remedy="Add one under `views`: device, zone, polygon, and four or more marks",
        )
    return views


def _detector(config: Config, camera: str) -> ChildDetector:
    """Without a model nobody could be made gray, and then there is no picture."""
    model = config.file.cameras[camera].model
    if model == "motion":
        model = EYES
    name = str(config.path(model)) if model.endswith((".yaml", ".yml")) else model
    return open_detector(name, interval_s=1.0, threads=1)
