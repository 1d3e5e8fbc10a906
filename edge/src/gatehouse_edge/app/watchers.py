"""Which watchers a camera has beside its model, by its settings and its rules. A new watcher is one line here."""

from gatehouse_edge.app.flames import flame_watcher
from gatehouse_edge.config import Config
from gatehouse_edge.gate.integrity import IntegrityWatcher
from gatehouse_edge.ports import FrameWatcher
from gatehouse_edge.sources.spec import DEVICES, parse


def watchers_for(
    config: Config, device: str, *, recorded: bool = False
) -> tuple[FrameWatcher, ...]:
    """The watchers of one colour camera, in the order in which they see a frame. `recorded`: frames come from a recording."""
    watchers: list[FrameWatcher] = []
    if config.file.cameras[device].integrity:
        sensor = not recorded and parse(config.source(device), place=device).scheme in DEVICES
        watchers.append(IntegrityWatcher(sensor=sensor))
    flames = flame_watcher(config, device)
    watchers += [] if flames is None else [flames]
    return tuple(watchers)
