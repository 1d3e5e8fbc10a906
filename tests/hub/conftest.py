"""Databases for the hub's tests: the same test over SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ports import Database
from gatehouse_hub.store import sites
from gatehouse_hub.store.database import open_database
from gatehouse_testing.building import START_MS, small_site
from gatehouse_testing.postgres import PostgresCluster, PostgresMissingError, postgres_cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A PostgreSQL server of this session's own."""
    try:
        with postgres_cluster() as cluster:
            yield cluster
    except PostgresMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'hub.db'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.fresh()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with the site of `small_site`."""
    database = open_database(database_url, SystemClock())
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
