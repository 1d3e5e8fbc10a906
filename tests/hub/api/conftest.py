from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_hub.ports import Database
from gatehouse_hub.store.database import open_database
from gatehouse_testing.desk import Front, HandClock, open_front
from gatehouse_testing.postgres import PostgresCluster, PostgresMissingError, postgres_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresCluster]:
    try:
        with postgres_cluster() as found:
            yield found
    except PostgresMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(f"sqlite:{tmp_path / 'hub.db'}", HandClock())
    yield found
    found.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:{tmp_path / 'hub.db'}"
    else:
        url = request.getfixturevalue("cluster").fresh()
    found = open_database(url, HandClock())
    yield found
    found.close()


@pytest.fixture
def front(database: Database) -> Front:
    return open_front(database)


@pytest.fixture
def either_front(either_database: Database) -> Front:
    return open_front(either_database)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
