"""The live stream: server-sent events that say what changed. The browser fetches what it shows.

The caller is checked again at least every `RECHECK_S`: after a sign-out, a revoked token or a change of role the stream
ends within that time.
"""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from gatehouse_hub.api.auth import SITE_PATTERN, CallerDep, find_caller, require_site
from gatehouse_hub.api.callers import Caller
from gatehouse_hub.api.problems import ProblemError
from gatehouse_hub.api.schemas.live import LiveBye, LiveChange, LiveHeartbeat, LiveHello
from gatehouse_hub.api.services import Services, ServicesDep
from gatehouse_hub.live.broadcast import Change, Listener, TooManyListenersError
from gatehouse_shared.instants import format_instant

HEARTBEAT_S: Final = 15
RECHECK_S: Final = 45
router = APIRouter(tags=["live"])


@router.get(
    "/live",
    response_class=EventSourceResponse,
    responses={
        200: {"description": "Events hello, incident, hazard, occupancy, gateway, heartbeat, bye"}
    },
)
async def listen(
    request: Request,
    caller: CallerDep,
    services: ServicesDep,
    site: Annotated[str, Query(pattern=SITE_PATTERN, description="Id of a site")],
) -> EventSourceResponse:
    """What changes at a site, as it changes."""
    await run_in_threadpool(require_site, caller, services, site)
    try:
        listener = services.broadcast.listen(site, presence=caller.may_operate, owner=caller.user)
    except TooManyListenersError as error:
        raise ProblemError("too_many_streams", headers={"Retry-After": "30"}) from error

    def still_allowed() -> bool:
        return _same_rights(request, services, caller)

    stream = Stream(services, listener, still_allowed)
    return EventSourceResponse(
        stream.events(), ping=3600, headers={"Cache-Control": "no-store"}, sep="\n"
    )


def _same_rights(request: Request, services: Services, before: Caller) -> bool:
    try:
        return find_caller(request, services) == before
    except ProblemError:
        return False


class Stream:
    """One browser's stream."""

    def __init__(
        self, services: Services, listener: Listener, still_allowed: Callable[[], bool]
    ) -> None:
        self._services, self._listener, self._still_allowed = services, listener, still_allowed
        self._number = 0

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """Hello, then changes and heartbeats until the listener ends or may hear no more."""
        try:
            yield self._event(
                "hello",
                LiveHello(site=self._listener.site, at=self._now(), heartbeat_s=HEARTBEAT_S),
            )
            checked_s = self._services.clock.monotonic_s()
            while self._listener.ended is None:
                changes = await self._listener.next_changes(HEARTBEAT_S)
                if self._services.clock.monotonic_s() - checked_s >= RECHECK_S - HEARTBEAT_S:
                    if not await run_in_threadpool(self._still_allowed):
                        yield self._event("bye", LiveBye(reason="signed_out"))
                        return
                    checked_s = self._services.clock.monotonic_s()
                for change in changes:
                    yield self._event(change.kind, change_to_schema(change))
                if not changes and self._listener.ended is None:
                    yield self._event("heartbeat", LiveHeartbeat(at=self._now()))
            yield self._event("bye", LiveBye(reason=self._listener.ended.value))
        finally:
            self._services.broadcast.leave(self._listener)

    def _event(self, name: str, data: BaseModel) -> ServerSentEvent:
        self._number += 1
        return ServerSentEvent(
            data=data.model_dump_json(by_alias=True), event=name, id=str(self._number)
        )

    def _now(self) -> str:
        return format_instant(self._services.clock.now())


def change_to_schema(change: Change) -> LiveChange:
    """A notice as the stream says it."""
    return LiveChange(
        kind=change.kind,
        site=change.site,
        id=change.id,
        at=format_instant(change.at),
        zone=change.zone,
        hazard_kind=change.hazard_kind,
        state=change.state,
        priority=change.priority,
        level=change.level,
    )
