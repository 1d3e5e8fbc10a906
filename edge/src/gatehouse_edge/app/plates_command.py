"""`plates list | show`: the scene plates on this gateway. Looking at one goes on record with its purpose."""

from collections.abc import Callable
from pathlib import Path

from gatehouse_edge.app.page import page, show
from gatehouse_edge.app.plate_store import KEPT, Entry, PlateStore
from gatehouse_edge.app.plates import plates_folder
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import load_config
from gatehouse_edge.errors import ConfigError

PURPOSE_MOST: int = 200


def list_plates(file: Path, say: Callable[[str], None]) -> int:
    """A line for each plate that is kept."""
    store, now = PlateStore(plates_folder(load_config(file))), SystemClock().now()
    store.expire(now)
    kept = store.kept()
    for one in kept:
        left_h = (one.time + KEPT - now).total_seconds() / 3600.0
        say(f"{one.camera}  {one.number:2d}  {one.time:%Y-%m-%d %H:%M:%S} UTC  {left_h:.0f} h left")
    if not kept:
        say("no plates are kept")
    return 0


def show_plate(
    file: Path,
    wanted: tuple[str, int],
    purpose: str,
    *,
    minutes: float,
    port: int,
    say: Callable[[str], None],
) -> int:
    """One plate on a page of this machine. Raises ConfigError where there is none or no purpose is given."""
    store, now = PlateStore(plates_folder(load_config(file))), SystemClock().now()
    store.expire(now)
    camera, number = wanted
    known = store.of(camera, number)
    if known is None:
        raise ConfigError(
            f"there is no plate {number} of {camera}",
            place="plates show",
            remedy="See `gatehouse-edge plates list`; plates are kept for 72 hours",
        )
    if not purpose.strip() or len(purpose) > PURPOSE_MOST:
        raise ConfigError(
            "the purpose is not said",
            place="--purpose",
            remedy=f"Write why you look, in at most {PURPOSE_MOST} characters",
        )
    store.record(
        Entry(time=now, camera=camera, purpose=purpose.strip(), outcome="shown", number=number)
    )
    lines = (f"taken {known.time:%Y-%m-%d %H:%M:%S} UTC", f"purpose: {purpose.strip()}")
    body = page(f"{camera}, plate {number}", known.path.read_bytes(), lines)
    show(body, port=port, minutes=minutes, say=say)
    return 0
