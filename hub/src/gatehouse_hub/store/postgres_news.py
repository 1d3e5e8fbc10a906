"""Short words between the processes of a hub, by PostgreSQL's NOTIFY: nothing is kept, and who does not listen hears nothing.

Cost    NOTIFY makes commits stand in line, so it is never part of a transaction that stores or links: `send` has one of its own.
Bounds  one connection listens, beside the pool. Behind a pooler that gives connections by the transaction it hears nothing, which
        `live.news` finds out by listening for its own words.
"""

from collections.abc import Sequence
from typing import Final

import psycopg

from gatehouse_hub.errors import StoreUnavailableError
from gatehouse_hub.ports import Database

CHANNEL: Final = "gatehouse_news"
CONNECT_S: Final = 5


class PostgresNews:
    """Speaks over the hub's pool, listens with a connection of its own; one thread does the one, one the other."""

    def __init__(self, database: Database, url: str) -> None:
        self._database, self._url = database, url
        self._connection: psycopg.Connection | None = None

    def send(self, words: Sequence[str]) -> None:
        """Say these to every process that listens, this one too."""
        with self._database.transaction() as tx:
            for word in words:
                tx.execute("SELECT pg_notify(?, ?)", (CHANNEL, word))

    def hear(self, timeout_s: float) -> list[str]:
        """Words that came, or come within the time. StoreUnavailableError without a connection; each call tries to have one."""
        try:
            if self._connection is None:
                connection = psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_S)
                connection.execute(f"LISTEN {CHANNEL}".encode())
                self._connection = connection
            return [
                word.payload for word in self._connection.notifies(timeout=timeout_s, stop_after=1)
            ]
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailableError(str(error).strip()) from error

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
