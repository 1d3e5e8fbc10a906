"""Two places with three gateways between them, and what happens there: alarms that come and go, readings, and nonsense."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatehouse_edge.values import Draft, Finding
from gatehouse_shared.events import HazardData, ReadingData
from gatehouse_shared.names import HazardKind, Lane, Phase, Quantity
from gatehouse_shared.site import Site, decode_site

RULES: Final = 12
"""Rules a gateway; one can have one open hazard in a zone."""

KINDS: Final[Mapping[str, HazardKind]] = {
    "smoke": HazardKind.FIRE_SMOKE,
    "contact": HazardKind.DOOR_HELD,
    "button": HazardKind.HELP_BUTTON,
}


def place(site: str, gateways: tuple[str, ...]) -> Site:
    """A row of adjoining sheds, one a gateway, each with a smoke detector, a door, a button and a gas meter."""
    sheds = [f"shed_{gateway}" for gateway in gateways]
    zones = [
        {
            "id": shed,
            "name": {"en": shed, "zh-CN": shed},
            "kind": "shed",
            "serves": "shared",
            "polygon": [[10 * n, 0], [10 * n + 10, 0], [10 * n + 10, 5], [10 * n, 5]],
            "neighbours": sheds[n + 1 : n + 2],
        }
        for n, shed in enumerate(sheds)
    ]
    devices = [
        {
            "id": f"{kind}_{gateway}",
            "kind": kind,
            "zone": f"shed_{gateway}",
            "at": [10 * n + 5, 2],
            "gateway": gateway,
        }
        for n, gateway in enumerate(gateways)
        for kind in (*KINDS, "gas")
    ]
    return decode_site(
        {
            "site": site,
            "name": {"en": site},
            "time_zone": "Asia/Shanghai",
            "zones": zones,
            "devices": devices,
        }
    )


SITES: Final = (place("riverside", ("gw_1", "gw_2")), place("hillside", ("gw_3",)))
HOME: Final = {gateway: site for site in SITES for gateway in site.gateways()}


@dataclass(slots=True)
class Life:
    """What happens round one gateway."""

    gateway: str
    draw: random.Random
    told: int = 0

    def finding(self, now: datetime) -> Finding:
        """A rule raises its hazard, goes on with it, or ends it."""
        number = self.draw.randrange(RULES)
        kind = self.draw.choice(sorted(KINDS))
        phase = self.draw.choice([Phase.RAISED, Phase.RAISED, Phase.CLEARED])
        return Finding(
            rule=f"{kind}_{number}",
            zone=f"shed_{self.gateway}",
            device=f"{kind}_{self.gateway}",
            kind=KINDS[kind],
            phase=phase,
            time=now,
            grade=self.draw.choice([2, 3, 4]),
            confidence=self.draw.randrange(21),
        )

    def readings(self, now: datetime) -> list[Draft]:
        """Bulk rows, no two of a run alike."""
        drafts: list[Draft] = []
        for _ in range(self.draw.choices([1, 2, 4, 12, 60], [30, 30, 25, 12, 3])[0]):
            self.told += 1
            data = ReadingData(
                device=f"gas_{self.gateway}", quantity=Quantity.GAS, value=self.told % 100
            )
            drafts.append(Draft(Lane.BULK, now, data))
        return drafts

    def nonsense(self, lane: Lane, now: datetime, number: int) -> Draft:
        """A row that encodes, and that the hub must refuse: it names what the site does not have."""
        self.told += 1
        if lane is Lane.BULK:
            data = ReadingData(device="gas_of_others", quantity=Quantity.GAS, value=self.told % 100)
            return Draft(lane, now, data)
        hazard = HazardData(
            hazard=number,
            phase=Phase.RAISED,
            kind=HazardKind.FIRE_SMOKE,
            zone="shed_of_others",
            device=f"smoke_{self.gateway}",
            rule="nonsense",
            grade=3,
            confidence=20,
            confirm_s=0,
            armed=False,
            drill=False,
        )
        return Draft(lane, now, hazard)
