"""Rules under maintenance: who switched what off, why, and until when. A small file next to the outbox, written by people.

    gatehouse-edge maintenance begin RULE | --device ID  --by NAME --reason TEXT --hours H
    gatehouse-edge maintenance list
    gatehouse-edge maintenance end ID

Bounds   at most 8 hours an entry and `ENTRIES_MAX` entries; nobody hides a call for help or a panel's own alarm.
Safe     written whole or not at all, under a lock. A file that does not read hides nothing: hazards sound.
Private  names and reasons stay in this file and in the gateway's log; nothing of it is ever sent.
"""

import contextlib
import fcntl
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from gatehouse_edge.app.whole_file import write_whole
from gatehouse_edge.clock import SystemClock
from gatehouse_edge.config import Config
from gatehouse_edge.errors import ConfigError
from gatehouse_edge.ports import Clock
from gatehouse_edge.rules.build import build_rules
from gatehouse_edge.rules.orders import LONGEST_S, NEVER_HIDDEN
from gatehouse_edge.rules.rule import Rule
from gatehouse_shared.ids import Id

ENTRIES_MAX: Final = 64
FILE_MAX_BYTES: Final = 65_536
FORMAT: Final = 1
REMOVE: Final = "Remove it and begin again; until then nothing is under maintenance"

Words = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])", min_length=1, max_length=200)]
EntryId = Annotated[str, Meta(pattern=r"^[0-9a-f]{6}(?![\s\S])")]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule, or every rule of a device, from `begun` until `until` (aware UTC)."""

    id: EntryId
    rule: Id | None = None
    device: Id | None = None
    by: Words
    reason: Words
    begun: datetime
    until: datetime

    @property
    def what(self) -> str:
        """How people call it."""
        return f"device {self.device}" if self.rule is None else f"rule {self.rule}"

    @property
    def longest(self) -> timedelta:
        """How long it was meant to be."""
        return self.until - self.begun


class MaintenanceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    format: Literal[1] = FORMAT
    entries: Annotated[tuple[Entry, ...], Meta(max_length=ENTRIES_MAX)] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for on the command line."""

    rule: str | None
    device: str | None
    by: str
    reason: str
    hours: float


def maintenance_path(config: Config) -> Path:
    """Next to the outbox, since both must outlive a restart."""
    return config.path(config.file.outbox.path).with_suffix(".maintenance.json")


def read_entries(path: Path) -> tuple[Entry, ...]:
    """What stands in the file; nothing where there is none. ConfigError for a file that does not read."""
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise ConfigError("larger than 64 KiB", place=str(path), remedy=REMOVE)
        entries = msgspec.json.decode(path.read_bytes(), type=MaintenanceFile).entries
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"does not read: {error}",
            place=str(path),
            remedy=REMOVE,
        ) from None
    for entry in entries:
        _check(entry, path)
    return entries


def _check(entry: Entry, path: Path) -> None:
    aware = entry.begun.tzinfo is not None and entry.until.tzinfo is not None
    if (
        (entry.rule is None) == (entry.device is None)
        or not aware
        or not timedelta() < entry.longest <= timedelta(seconds=LONGEST_S)
    ):
        raise ConfigError(
            f"entry {entry.id} is none: one rule or device, and at most 8 hours",
            place=str(path),
            remedy=REMOVE,
        )


def begin(config: Config, wish: Wish, clock: Clock) -> Entry:
    """Put a rule, or a device's rules, under maintenance. ConfigError for what is not there, or may not be hidden."""
    _check_wish(config, wish)
    now = clock.now().astimezone(UTC).replace(microsecond=0)
    entry = Entry(
        id=secrets.token_hex(3),
        rule=wish.rule,
        device=wish.device,
        by=wish.by,
        reason=wish.reason,
        begun=now,
        until=now + timedelta(hours=wish.hours),
    )
    path = maintenance_path(config)
    with _locked(path):
        running = tuple(e for e in read_entries(path) if e.until > now)
        if len(running) >= ENTRIES_MAX:
            raise ConfigError(
                f"{ENTRIES_MAX} entries are running", place=str(path), remedy="End some first"
            )
        _write(path, (*running, entry))
    return entry


def end(config: Config, entry_id: str) -> Entry:
    """End one before its time. ConfigError where there is none of that id."""
    path = maintenance_path(config)
    with _locked(path):
        entries = read_entries(path)
        found = next((e for e in entries if e.id == entry_id), None)
        if found is None:
            known = ", ".join(e.id for e in entries) or "none is running"
            raise ConfigError(
                f"there is no {entry_id!r}", place="ID", remedy=f"Use one of: {known}"
            )
        _write(path, tuple(e for e in entries if e.id != entry_id))
    return found


def running(config: Config, clock: Clock) -> tuple[Entry, ...]:
    """What is under maintenance now."""
    now = clock.now()
    return tuple(e for e in read_entries(maintenance_path(config)) if e.until > now)


def maintenance_command(
    config: Config, action: str, wish: Wish | None, entry_id: str | None, say: Callable[[str], None]
) -> int:
    """`begin`, `list` or `end`; 0. ConfigError says what is wrong."""
    clock = SystemClock()
    zone = ZoneInfo(config.site.time_zone)
    if action == "begin" and wish is not None:
        entry = begin(config, wish, clock)
        say(_described(entry, zone))
        for line in _awake(config, entry):
            say(line)
    elif action == "end" and entry_id is not None:
        say(f"ended: {_described(end(config, entry_id), zone)}")
    else:
        entries = running(config, clock)
        for entry in entries:
            say(_described(entry, zone))
        if not entries:
            say("nothing is under maintenance")
    return 0


def _described(entry: Entry, zone: ZoneInfo) -> str:
    until = entry.until.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return f"{entry.id}  {entry.what} until {until}, by {entry.by}: {entry.reason}"


def _awake(config: Config, entry: Entry) -> Iterator[str]:
    """What of a device stays awake all the same."""
    for name, rule in _rules(config).items():
        if rule.binding.device == entry.device and rule.binding.kind in NEVER_HIDDEN:
            yield f"        rule {name} ({rule.binding.kind}) stays awake: nobody may hide it"


def _rules(config: Config) -> Mapping[str, Rule]:
    return build_rules(config.site, config.file.gateway, config.file.plugins.judged).rules


def _check_wish(config: Config, wish: Wish) -> None:
    rules = _rules(config)
    _check_words(wish)
    if (wish.rule is None) == (wish.device is None):
        raise ConfigError(
            "it is not said what to hide", place="begin", remedy="Name one rule, or --device ID"
        )
    bound = {r.binding.device for r in rules.values()}
    if wish.rule is not None and wish.rule not in rules:
        raise ConfigError(
            f"there is no rule {wish.rule!r} on this gateway",
            place="RULE",
            remedy=f"Use one of: {', '.join(sorted(rules))}",
        )
    if wish.device is not None and wish.device not in bound:
        raise ConfigError(
            f"no rule of this gateway watches by {wish.device!r}",
            place="--device",
            remedy=f"Use one of: {', '.join(sorted(bound))}",
        )
    if wish.rule is not None and rules[wish.rule].binding.kind in NEVER_HIDDEN:
        raise ConfigError(
            f"rule {wish.rule} is a {rules[wish.rule].binding.kind}",
            place="RULE",
            remedy="Calls for help and a panel's own alarm are never hidden; ask the hub for a drill of it",
        )


def _check_words(wish: Wish) -> None:
    if not 0 < wish.hours <= LONGEST_S / 3600:
        raise ConfigError(
            f"{wish.hours:g} hours", place="--hours", remedy="Give more than 0 and at most 8"
        )
    for place, words in (("--by", wish.by), ("--reason", wish.reason)):
        if not words.strip() or len(words) > 200 or not words.isprintable():
            raise ConfigError(
                "no words", place=place, remedy="Give 1 to 200 characters on one line"
            )


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    """One writer at a time, also from two terminals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, entries: tuple[Entry, ...]) -> None:
    write_whole(path, msgspec.json.encode(MaintenanceFile(entries=entries)) + b"\n")
