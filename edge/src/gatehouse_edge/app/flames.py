"""Which zones of a camera are watched for the flicker of flames, by the site's rules and the camera's settings."""

from gatehouse_edge.config import Config
from gatehouse_edge.inference.flame_watch import FlameWatcher
from gatehouse_edge.rules.fire_video import watches_flicker
from gatehouse_shared.names import HazardKind


def flame_watcher(config: Config, device: str) -> FlameWatcher | None:
    """The watcher of a camera with flame rules; None without any, or where all of them look with the model alone."""
    zones = {
        rule.zone
        for rule in config.site.rules
        if rule.device == device
        and rule.kind is HazardKind.FIRE_FLAME
        and watches_flicker(rule.params)
    }
    views = {
        view.zone: view.polygon
        for view in config.site.views
        if view.device == device and view.zone in zones
    }
    if not views:
        return None
    return FlameWatcher(device, views, config.file.cameras[device].ignore_flames)
