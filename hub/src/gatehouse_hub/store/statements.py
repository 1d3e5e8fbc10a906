"""SQL text of ours for two databases: parameters, and the column types that have different names.

We write `?` for a parameter and the words BIGINT, BYTES, SERIAL_KEY and STRICT; SQLite and PostgreSQL each get
their own spelling. Nothing here reads values: those always travel beside the text.
"""

import re
from functools import lru_cache
from typing import Final

from gatehouse_hub.ports import Dialect

_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|\?|%")
_WORD: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|\b(?:BIGINT|BYTES|SERIAL_KEY)\b|\)\s*STRICT\b")
_WORDS: Final[dict[Dialect, dict[str, str]]] = {
    Dialect.SQLITE: {
        "BIGINT": "INTEGER",
        "BYTES": "BLOB",
        "SERIAL_KEY": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "STRICT": ") STRICT",
    },
    Dialect.POSTGRESQL: {
        "BIGINT": "BIGINT",
        "BYTES": "BYTEA",
        "SERIAL_KEY": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "STRICT": ")",
    },
}


@lru_cache(maxsize=512)
def to_psycopg(sql: str) -> str:
    """`?` as psycopg's `%s`, outside strings, names and comments; `%` doubled everywhere.

    >>> to_psycopg("SELECT '?', a % 2 FROM t WHERE b = ?")
    "SELECT '?', a %% 2 FROM t WHERE b = %s"
    """
    return _TOKEN.sub(_psycopg_token, sql)


def to_dialect(script: str, dialect: Dialect) -> str:
    """A migration script with our column types in the dialect's words.

    >>> to_dialect("CREATE TABLE t (a BIGINT, b BYTES) STRICT;", Dialect.POSTGRESQL)
    'CREATE TABLE t (a BIGINT, b BYTEA);'
    """
    words = _WORDS[dialect]

    def spell(match: re.Match[str]) -> str:
        word = match[0]
        return words["STRICT"] if word.startswith(")") else words.get(word, word)

    return _WORD.sub(spell, script)


def json_rows(dialect: Dialect) -> str:
    """A JSON array as rows of one column `value`, for FROM; its elements are read by `value ->> 0`."""
    return "json_each(?)" if dialect is Dialect.SQLITE else "json_array_elements(?::json)"


def _psycopg_token(match: re.Match[str]) -> str:
    token = match[0]
    return "%s" if token == "?" else token.replace("%", "%%")  # noqa: S105 - no password
