"""Site files: every version ever handed out, the ids they used, and the registry of gateways that follows from them.

A gateway may run an older version for days, so rows are checked against those too. An id that a newer version leaves out
is retired and never given to another thing; only a whole earlier version may come back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gatehouse_hub.errors import ConfigError
from gatehouse_hub.ports import Dialect, Transaction
from gatehouse_hub.store.columns import flag, integer, text
from gatehouse_shared.ids import shard_number
from gatehouse_shared.site import Site

VERSIONS_MAX: Final = 8
"""Newest versions of a site that rows are checked against."""

SITES_LOCK: Final = 4_725_702
"""Number of PostgreSQL's advisory lock for adding site files."""

_DECODER: Final = msgspec.json.Decoder(Site)


@dataclass(frozen=True, slots=True)
class SiteVersion:
    """A site file as it was handed out."""

    version: int
    site: Site
    since_ms: int


def add(tx: Transaction, site: Site, now_ms: int) -> int:
    """Make this file the one that holds; its version number. The same file again changes nothing.

    ConfigError when an id or a gateway is already something else's.
    """
    lock(tx)
    content = msgspec.json.encode(site).decode()
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    rows = tx.execute(
        "SELECT version, sha256 FROM site_version WHERE site = ? ORDER BY version DESC",
        (site.site,),
    )
    earlier = [(integer(version), text(known)) for version, known in rows]
    if earlier and earlier[0][1] == sha256:
        return earlier[0][0]
    came_back = any(known == sha256 for _, known in earlier)
    _claim_names(tx, site, may_return=came_back)
    _register(tx, site)
    version = earlier[0][0] + 1 if earlier else 1
    tx.execute(
        "INSERT INTO site_version (site, version, sha256, content, since_ms) VALUES (?, ?, ?, ?, ?)",
        (site.site, version, sha256, content, now_ms),
    )
    return version


def lock(tx: Transaction) -> None:
    """One process at a time adds site files, until its transaction ends: several may start with the same ones."""
    if tx.dialect is Dialect.POSTGRESQL:
        tx.execute("SELECT pg_advisory_xact_lock(?)", (SITES_LOCK,))


def load_versions(tx: Transaction, site: str, limit: int = VERSIONS_MAX) -> list[SiteVersion]:
    """Newest first."""
    rows = tx.execute(
        "SELECT version, content, since_ms FROM site_version WHERE site = ? ORDER BY version DESC LIMIT ?",
        (site, limit),
    )
    return [SiteVersion(integer(r[0]), _DECODER.decode(text(r[1])), integer(r[2])) for r in rows]


def load_latest(tx: Transaction, site: str) -> Site | None:
    """The file that holds now."""
    versions = load_versions(tx, site, 1)
    return versions[0].site if versions else None


def load_files(
    tx: Transaction, wanted: Sequence[tuple[str, int]]
) -> list[tuple[tuple[str, int], Site, int]]:
    """Files of these (site, version), with the bytes each has in the store; those that are not there are left out."""
    if not wanted:
        return []
    marks = ", ".join(["(?, ?)"] * len(wanted))
    rows = tx.execute(
        "SELECT site, version, content FROM site_version "  # noqa: S608 - only marks are put in
        f"WHERE (site, version) IN (VALUES {marks})",
        [value for pair in wanted for value in pair],
    )
    return [
        ((text(r[0]), integer(r[1])), _DECODER.decode(text(r[2])), len(text(r[2]))) for r in rows
    ]


def version_numbers(tx: Transaction, site: str, limit: int = VERSIONS_MAX) -> list[int]:
    """Numbers of a site's versions, newest first."""
    rows = tx.execute(
        "SELECT version FROM site_version WHERE site = ? ORDER BY version DESC LIMIT ?",
        (site, limit),
    )
    return [integer(row[0]) for row in rows]


def site_ids(tx: Transaction) -> list[str]:
    """Every site that has a file."""
    return [
        text(row[0]) for row in tx.execute("SELECT DISTINCT site FROM site_version ORDER BY site")
    ]


def newest_versions(tx: Transaction) -> dict[str, int]:
    """Every site that has a file, by name, with the number of the version that holds now."""
    rows = tx.execute("SELECT site, MAX(version) FROM site_version GROUP BY site ORDER BY site")
    return {text(site): integer(version) for site, version in rows}


def versions_now(tx: Transaction, names: Sequence[str]) -> dict[str, int]:
    """The number of the version that holds now, of these sites; one without a file is left out."""
    marks = ", ".join("?" * len(names))
    rows = tx.execute(
        f"SELECT site, MAX(version) FROM site_version WHERE site IN ({marks}) GROUP BY site",  # noqa: S608
        names,
    )
    return {text(site): integer(version) for site, version in rows}


def newest_stamp(tx: Transaction) -> tuple[int, int]:
    """Changes whenever a version is added: (how many, when the last)."""
    row = tx.execute("SELECT COUNT(*), COALESCE(MAX(since_ms), 0) FROM site_version")[0]
    return integer(row[0]), integer(row[1])


def _names(site: Site) -> dict[str, str]:
    """Every id of the file and what it names, with the kind where it has one."""
    return {
        **{z.id: f"{z.kind} zone" for z in site.zones},
        **{g.id: "gate" for g in site.gates},
        **{x.id: "line" for x in site.lines},
        **{s.id: "schedule" for s in site.schedules},
        **{r.id: f"{r.kind} rule" for r in site.rules},
        **{d.id: f"{d.kind} device" for d in site.devices},
        **dict.fromkeys(site.gateways(), "gateway"),
    }


def _claim_names(tx: Transaction, site: Site, *, may_return: bool) -> None:
    known = {
        text(name): (text(what), flag(retired))
        for name, what, retired in tx.execute(
            "SELECT name, what, retired FROM site_name WHERE site = ?", (site.site,)
        )
    }
    wanted = _names(site)
    for name, what in sorted(wanted.items()):
        was, retired = known.get(name, (what, False))
        if was != what or (retired and not may_return):
            raise ConfigError(
                f"{name!r} {'was' if retired else 'is'} the id of a {was}",
                place=f"site {site.site}",
                remedy="Give the new thing an id that this site has never used",
            )
    tx.execute("UPDATE site_name SET retired = 1 WHERE site = ?", (site.site,))
    tx.execute_many(
        "INSERT INTO site_name (site, name, what) VALUES (?, ?, ?) "
        "ON CONFLICT (site, name) DO UPDATE SET retired = 0",
        [(site.site, name, what) for name, what in sorted(wanted.items())],
    )


def _register(tx: Transaction, site: Site) -> None:
    tx.execute("INSERT INTO site_turn (site) VALUES (?) ON CONFLICT DO NOTHING", (site.site,))
    for gateway in site.gateways():
        rows = tx.execute("SELECT site FROM gateway WHERE gateway = ?", (gateway,))
        if rows and text(rows[0][0]) != site.site:
            raise ConfigError(
                f"gateway {gateway!r} belongs to site {text(rows[0][0])!r}",
                place=f"site {site.site}, devices[].gateway",
                remedy="A gateway's id is unique in a hub: choose another",
            )
        tx.execute(
            "INSERT INTO gateway (gateway, site, shard) VALUES (?, ?, ?) ON CONFLICT (gateway) DO NOTHING",
            (gateway, site.site, shard_number(site.site)),
        )
