"""Everything that the routes use, put together by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from gatehouse_hub.api.accounts import Accounts
from gatehouse_hub.api.desk import Desk
from gatehouse_hub.api.people import People
from gatehouse_hub.api.places import Places
from gatehouse_hub.api.secrets import Passwords
from gatehouse_hub.errors import StoreError
from gatehouse_hub.live.broadcast import Broadcast
from gatehouse_hub.ports import Clock, Database

PACKAGE_STATIC = Path(__file__).parents[1] / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """How the API shows itself.

    `public_urls`: origins beside the request's own host from which the console may be used (a
    reverse proxy's). `secure_cookie`: only over TLS. `open_metrics`: /metrics without a token for
    clients on this machine. `static`: folder of the built console.
    """

    public_urls: tuple[str, ...] = ()
    secure_cookie: bool = False
    open_metrics: bool = False
    static: Path = field(default=PACKAGE_STATIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes ask. `metrics` gives the Prometheus text; `healthy` whether the store answers."""

    clock: Clock
    people: People
    accounts: Accounts
    places: Places
    desk: Desk
    broadcast: Broadcast
    metrics: Callable[[], bytes]
    healthy: Callable[[], bool]
    settings: ApiSettings


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


ServicesDep = Annotated[Services, Depends(_services)]


def build_services(
    database: Database,
    clock: Clock,
    broadcast: Broadcast,
    *,
    metrics: Callable[[], bytes],
    settings: ApiSettings | None = None,
    passwords: Passwords | None = None,
) -> Services:
    """The services over one database."""
    passwords = passwords or Passwords()
    return Services(
        clock=clock,
        people=People(database, clock, passwords),
        accounts=Accounts(database, clock, passwords),
        places=Places(database, clock),
        desk=Desk(database, clock, broadcast),
        broadcast=broadcast,
        metrics=metrics,
        healthy=lambda: is_readable(database),
        settings=settings or ApiSettings(),
    )


def is_readable(database: Database) -> bool:
    """Whether the store answers."""
    try:
        with database.snapshot() as tx:
            return tx.execute("SELECT 1") == [(1,)]
    except StoreError:
        return False
