"""Small sites for tests, made from a few words rather than from files."""

from collections.abc import Mapping, Sequence
from typing import Any

from gatehouse_shared.site import Site, decode_site


def row_of_zones(kinds: Sequence[str], *, side_m: float = 20.0, gateway: str = "gw_1") -> Site:
    """Square zones `z0`, `z1` … side by side along x, each adjoining the next, with a camera `cam_0` … in each."""
    zones: list[dict[str, Any]] = []
    devices: list[dict[str, Any]] = []
    for n, kind in enumerate(kinds):
        x0, x1 = n * side_m, (n + 1) * side_m
        zones.append(
            {
                "id": f"z{n}",
                "name": {"en": f"Zone {n}", "zh-CN": f"区域{n}"},
                "kind": kind,
                "serves": "public",
                "polygon": [[x0, 0.0], [x1, 0.0], [x1, side_m], [x0, side_m]],
                "neighbours": [f"z{n + 1}"] if n + 1 < len(kinds) else [],
            }
        )
        devices.append(
            {
                "id": f"cam_{n}",
                "kind": "camera",
                "zone": f"z{n}",
                "at": [x0 + side_m / 2, 1.0],
                "gateway": gateway,
            }
        )
    return decode_site(
        {
            "site": "testing",
            "name": {"en": "Testing"},
            "time_zone": "Asia/Shanghai",
            "zones": zones,
            "devices": devices,
        }
    )


def one_room(
    devices: Mapping[str, str],
    rules: Sequence[Mapping[str, object]] = (),
    zone: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The site file of a place of one zone, `hall` where `zone` says nothing else. `devices`: kinds by id, all of `gw_1`."""
    room = {
        "id": "hall",
        "name": {"en": "Hall"},
        "kind": "moving",
        "serves": "shared",
        "polygon": [[0, 0], [10, 0], [10, 5], [0, 5]],
        **(zone or {}),
    }
    at = {"zone": room["id"], "at": [3, 1], "gateway": "gw_1"}
    return {
        "site": "riverside",
        "name": {"en": "Riverside"},
        "time_zone": "Asia/Shanghai",
        "zones": [room],
        "rules": [dict(rule) for rule in rules],
        "devices": [{"id": name, "kind": kind, **at} for name, kind in devices.items()],
    }
