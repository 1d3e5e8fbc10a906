from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_hub.ports import Database
from gatehouse_hub.store.database import open_database
from gatehouse_testing.desk import Front, HandClock, open_front


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = open_database(f"sqlite:{tmp_path / 'hub.db'}", HandClock())
    yield found
    found.close()


@pytest.fixture
def either_database(database_url: str) -> Iterator[Database]:
    found = open_database(database_url, HandClock())
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
