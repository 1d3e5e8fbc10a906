"""Passwords, session cookies, CSRF tokens and API tokens: made, hashed, compared.

Sources  argon2id by argon2-cffi with RFC 9106's low-memory profile; tokens of 256 random bits need no slow hash.
Bound    at most VERIFY_AT_ONCE passwords are hashed at once (64 MiB each); further ones wait.
"""

import hashlib
import secrets
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

TOKEN_PREFIX: Final = "gh_"  # noqa: S105 - a prefix, no secret
HINT_CHARACTERS: Final = 7
VERIFY_AT_ONCE: Final = 2
_READABLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def new_session_secret() -> str:
    """Value of a session cookie: 256 bits."""
    return secrets.token_urlsafe(32)


def new_token_secret() -> str:
    """An API token: 256 bits with a prefix that scanners of leaked secrets can look for."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_password() -> str:
    """A one-time password of 99 bits, easy to read out.

    >>> len(new_password())
    23
    """
    groups = ("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def fingerprint(secret: str) -> str:
    """What is stored of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Passwords:
    """Hashes and verifies passwords, taking as long for a name that nobody has."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._gate = threading.BoundedSemaphore(VERIFY_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """Argon2id with parameters and salt."""
        with self._gate:
            return self._hasher.hash(password)

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether the password is right; None for a user that is not there."""
        with self._gate:
            try:
                self._hasher.verify(hashed or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None
