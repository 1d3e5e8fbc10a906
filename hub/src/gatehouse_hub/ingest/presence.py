"""Whether a gateway is there: births, wills, answers and silence, weighed. Pure: state in, time in, decision and reason out.

Order   a connection is (boot, conn). Boots are random, so a later one is known by having come later; one that was
        replaced is never believed again, nor is a lower conn of the same boot.
Deaths  a will is believed DEATH_S after it came, unless a newer connection or an answer to a later request shows life.
Silence three unanswered requests and nothing heard for SILENCE_S, counted only while the hub itself is connected.
Time    `_s` is monotonic, `_ms` since 1970, both the hub's.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gatehouse_hub.values import Presence

DEATH_S: Final = 15.0
SILENCE_S: Final = 75.0
MISSED_MAX: Final = 3
PAST_BOOTS_MAX: Final = 8


class PresenceReason(StrEnum):
    """Why a gateway is held to be there or not."""

    NEVER_SEEN = "never_seen"
    BORN = "born"
    HEARD = "heard"
    DIED = "died"
    SILENT = "silent"


class StateReason(StrEnum):
    """What became of a birth or a death."""

    NEW_BOOT = "new_boot"
    NEW_CONNECTION = "new_connection"
    REPEATED = "repeated"
    WAITING = "waiting"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Death:
    """A will that waits to be believed."""

    boot: str
    conn: int
    arrived_s: float
    arrived_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is remembered of one gateway. `past_boots` holds at most PAST_BOOTS_MAX."""

    presence: Presence = Presence.UNKNOWN
    reason: PresenceReason = PresenceReason.NEVER_SEEN
    since_ms: int = 0
    since_s: float = 0.0
    boot: str | None = None
    conn: int = 0
    past_boots: tuple[str, ...] = ()
    death: Death | None = None
    heard_s: float | None = None
    heard_ms: int | None = None
    unanswered: int = 0


def on_birth(
    watch: Watch, boot: str, conn: int, *, at_s: float, at_ms: int, retained: bool = False
) -> tuple[Watch, StateReason]:
    """A birth came. Older ones change nothing; a repeated one shows life unless the broker only kept it."""
    reason = _place(watch, boot, conn)
    if reason is StateReason.OLDER:
        return watch, reason
    if reason is StateReason.REPEATED:
        ended = watch.presence is Presence.OFFLINE and watch.reason is PresenceReason.DIED
        if retained or watch.death is not None or ended:
            return watch, reason
        return _alive(watch, PresenceReason.BORN, at_s, at_ms), reason
    newer = replace(_follow(watch, boot, conn), death=None, unanswered=0)
    return _alive(newer, PresenceReason.BORN, at_s, at_ms), reason


def on_death(
    watch: Watch, boot: str, conn: int, *, at_s: float, at_ms: int
) -> tuple[Watch, StateReason]:
    """A will came. It waits, unless it is older than what we know."""
    reason = _place(watch, boot, conn)
    offline = watch.presence is Presence.OFFLINE
    if reason is StateReason.OLDER or (reason is StateReason.REPEATED and offline):
        return watch, StateReason.OLDER
    return replace(watch, death=Death(boot, conn, at_s, at_ms)), StateReason.WAITING


def on_event(watch: Watch, *, at_s: float, at_ms: int) -> Watch:
    """Rows came. Those on their way when a will was sent do not contradict it."""
    if watch.presence is Presence.OFFLINE and at_s - watch.since_s < DEATH_S:
        return watch
    if watch.presence is Presence.ONLINE:
        return replace(watch, heard_s=at_s, heard_ms=at_ms)
    return _alive(watch, PresenceReason.HEARD, at_s, at_ms)


def on_asked(watch: Watch) -> Watch:
    """A `time` request was handed to the broker."""
    return replace(watch, unanswered=watch.unanswered + 1)


def on_answer(watch: Watch, boot: str, *, asked_s: float, at_s: float, at_ms: int) -> Watch:
    """An answer came: the gateway was there after `asked_s`, whatever a will said before."""
    if boot in watch.past_boots:
        return watch
    death = watch.death
    if death is not None and asked_s > death.arrived_s:
        watch = replace(watch, death=None)
    if boot != watch.boot:
        watch = _follow(watch, boot, 0)
    return _alive(replace(watch, unanswered=0), PresenceReason.HEARD, at_s, at_ms)


def on_time(watch: Watch, *, now_s: float, now_ms: int, connected_s: float | None) -> Watch:
    """Time went by. `connected_s` is since when the hub has its broker, None while it has none."""
    death = watch.death
    if death is not None and now_s - death.arrived_s >= DEATH_S:
        # Of a boot we never saw born, the will is all we know: it becomes the latest.
        watch = watch if death.boot == watch.boot else _follow(watch, death.boot, death.conn)
        watch = replace(watch, death=None)
        if watch.presence is Presence.OFFLINE:
            return watch
        return _gone(watch, PresenceReason.DIED, now_s, death.arrived_ms)
    if watch.presence is not Presence.ONLINE or connected_s is None:
        return watch
    heard_s = watch.heard_s if watch.heard_s is not None else watch.since_s
    quiet_s = now_s - max(heard_s, connected_s)
    if watch.unanswered >= MISSED_MAX and quiet_s >= SILENCE_S:
        return _gone(watch, PresenceReason.SILENT, now_s, watch.heard_ms or now_ms)
    return watch


def _place(watch: Watch, boot: str, conn: int) -> StateReason:
    """Where (boot, conn) stands against the latest one known."""
    if boot in watch.past_boots or (boot == watch.boot and conn < watch.conn):
        return StateReason.OLDER
    if boot != watch.boot:
        return StateReason.NEW_BOOT
    return StateReason.REPEATED if conn == watch.conn else StateReason.NEW_CONNECTION


def _follow(watch: Watch, boot: str, conn: int) -> Watch:
    """Make (boot, conn) the latest."""
    past = watch.past_boots
    if watch.boot is not None and boot != watch.boot:
        past = (*past, watch.boot)[-PAST_BOOTS_MAX:]
    return replace(watch, boot=boot, conn=conn, past_boots=past)


def _alive(watch: Watch, reason: PresenceReason, at_s: float, at_ms: int) -> Watch:
    watch = replace(watch, heard_s=at_s, heard_ms=at_ms)
    if watch.presence is Presence.ONLINE:
        return watch
    return replace(
        watch, presence=Presence.ONLINE, reason=reason, since_ms=at_ms, since_s=at_s, unanswered=0
    )


def _gone(watch: Watch, reason: PresenceReason, now_s: float, since_ms: int) -> Watch:
    return replace(
        watch, presence=Presence.OFFLINE, reason=reason, since_ms=since_ms, since_s=now_s
    )
