"""Over PostgreSQL the hub speaks to the server that may be written to, and takes any other for one that is away."""

import psycopg
import pytest
from psycopg import errors as pg

from gatehouse_hub.errors import StoreUnavailableError
from gatehouse_hub.store.database import connect
from gatehouse_hub.store.postgres import translate
from gatehouse_testing.postgres import PostgresCluster

pytestmark = pytest.mark.postgres


def only_read(url: str) -> None:
    """Make a database one that may only be read, as a standby's is."""
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())


def test_nothing_is_read_where_nothing_may_be_written(postgres: PostgresCluster) -> None:
    url = postgres.fresh()
    only_read(url)
    database = connect(url)
    with pytest.raises(StoreUnavailableError), database.snapshot():
        pass
    with pytest.raises(StoreUnavailableError), database.transaction():
        pass
    database.close()


def test_a_leader_that_has_become_a_standby_is_away_and_no_defect() -> None:
    error = pg.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")
    assert isinstance(translate(error), StoreUnavailableError)
