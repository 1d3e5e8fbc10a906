"""What must be seen for the demo to be alive. Each check says what it has seen, or what it waits for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from gatehouse_testing.demo.hub_client import HubClient

SITE = "riverside"
FIRE = {"thermal_hotspot", "fire_smoke", "lane_blocked"}
MANY = 10


@dataclass(slots=True)
class Seen:
    """What has been seen so far: open checks by name, and the words for those that are met."""

    client: HubClient
    console_built: bool
    waiting: dict[str, Callable[[], str | None]] = field(
        default_factory=dict[str, Callable[[], str | None]]
    )
    met: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.waiting = {
            "the console answers": self._console,
            "counts flow and pass ten": self._counts,
            "a zone passes its first level": self._level,
            "hot spot, smoke and blocked lane are one incident with reasons": self._fire,
            "the help button is an incident of its own": self._help,
            "three gateways are online": self._gateways,
        }

    def look(self) -> Sequence[str]:
        """Try every open check; words of those that were met just now."""
        new: list[str] = []
        for name, check in list(self.waiting.items()):
            try:
                words = check()
            except httpx.HTTPError:
                continue
            if words is not None:
                self.met[name] = words
                del self.waiting[name]
                new.append(f"{name}: {words}")
        return new

    def _console(self) -> str | None:
        page = self.client.page()
        if self.console_built and 'id="root"' not in page:
            return None
        return f"{self.client.url}/"

    def _zones(self) -> list[dict[str, Any]]:
        zones: list[dict[str, Any]] = self.client.get(f"/sites/{SITE}/occupancy")["zones"]
        return zones

    def _counts(self) -> str | None:
        many = [z for z in self._zones() if isinstance(z["count"], int) and z["count"] >= MANY]
        return f"{many[0]['zone']} holds {many[0]['count']}" if many else None

    def _level(self) -> str | None:
        full = [z for z in self._zones() if (z["level"] or 0) >= 1]
        return f"{full[0]['zone']} is at level {full[0]['level']}" if full else None

    def _stories(self) -> list[dict[str, Any]]:
        found = self.client.get(f"/sites/{SITE}/incidents")["incidents"]
        return [self.client.get(f"/incidents/{incident['id']}") for incident in found]

    def _fire(self) -> str | None:
        for story in self._stories():
            members = story["members"]
            kinds = {m["hazard"]["kind"] for m in members}
            devices = {m["hazard"]["device"] for m in members}
            reasons = [
                r["text"]["en"] for m in members for link in m["links"] for r in link["reasons"]
            ]
            if kinds >= FIRE and len(devices) > 1 and reasons and "help_button" not in kinds:
                return f"{story['incident']['priority']}, {'; '.join(reasons[:3])}"
        return None

    def _help(self) -> str | None:
        for story in self._stories():
            kinds = {m["hazard"]["kind"] for m in story["members"]}
            if "help_button" in kinds and not kinds & FIRE:
                return str(story["incident"]["summary"]["en"])
        return None

    def _gateways(self) -> str | None:
        gateways = self.client.get(f"/sites/{SITE}/gateways")["gateways"]
        online = sorted(g["gateway"] for g in gateways if g["presence"] == "online")
        return ", ".join(online) if len(online) > 2 else None
