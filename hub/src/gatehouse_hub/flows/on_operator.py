"""An operator has acknowledged an incident from the site: its gateways are asked to end the hazards that latch.

Asked in the transaction of the act itself, so that a crash loses neither or both; sent, and sent again until answered, by ingest.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gatehouse_hub.ports import Transaction
from gatehouse_hub.store import requests
from gatehouse_hub.store.desk import MemberKey
from gatehouse_hub.store.requests import WaitingRequest
from gatehouse_shared.commands import AcknowledgedRequest
from gatehouse_shared.ids import HUB_GATEWAY
from gatehouse_shared.instants import format_instant, to_ms
from gatehouse_shared.wire import encode

TTL_MS: Final = 60_000
AT_DESK: Final = "operator"


def ask_gateways(tx: Transaction, site: str, members: Sequence[MemberKey], now: datetime) -> int:
    """One request a hazard, none for the hub's own; how many."""
    asked = [member for member in members if member.gateway != HUB_GATEWAY]
    for member in asked:
        message = AcknowledgedRequest(
            request=secrets.token_hex(16),
            ttl_ms=TTL_MS,
            hub_time=format_instant(now),
            epoch=member.epoch,
            hazard=member.hazard,
            by_role=AT_DESK,
            at_site=True,
        )
        body = encode(message).decode()
        waiting = WaitingRequest(
            message.request, member.gateway, site, "acknowledged", body, to_ms(now)
        )
        requests.ask(tx, waiting)
    return len(asked)
