"""Databases for the hub's tests: the same test over SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ports import Database
from gatehouse_hub.store import sites
from gatehouse_hub.store.database import open_database
from gatehouse_testing.building import START_MS, small_site
from gatehouse_testing.postgres import PostgresCluster


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with the site of `small_site`."""
    database = open_database(database_url, SystemClock())
    with database.transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres: PostgresCluster) -> Iterator[Database]:
    """The same on PostgreSQL only."""
    database = open_database(postgres.fresh(), SystemClock())
    with database.transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    yield database
    database.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """The same on SQLite only."""
    database = open_database(f"sqlite:{tmp_path / 'hub.db'}", SystemClock())
    with database.transaction() as tx:
        sites.add(tx, small_site(), START_MS)
    yield database
    database.close()
