"""A web hook: one POST of a small JSON body, signed, to an address that the configuration names.

Signed   by the Standard Webhooks scheme: HMAC-SHA256 over `id.timestamp.body`, so that a receiver may use any library for it.
Closed   redirects are not followed, proxies of the environment are not asked, of an answer the status alone is believed.
Bounds   CONNECT_S for each address of the receiver and for each wait on it, SEND_S for the whole exchange; what comes after
         the head of the answer is not read.
"""

import base64
import hashlib
import hmac
import http.client
import re
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gatehouse_hub.dispatching.telling import Consumer
from gatehouse_hub.notify.attempts import Attempt, Outcome

CONNECT_S: Final = 5.0
SEND_S: Final = 10.0
SECRET_MIN: Final = 24
"""Bytes of a secret, at least."""

_WHOLE_SECONDS: Final = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to. `target` is path and query; `ca_file` holds the authorities to believe, else the system's are."""

    host: str
    port: int
    target: str
    tls: bool
    ca_file: Path | None = None
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hook:
    """A web hook as configured: who is told of what, and where."""

    consumer: Consumer
    address: Address


class Webhook:
    """One receiver. Any thread may send."""

    def __init__(
        self, address: Address, *, connect_s: float = CONNECT_S, send_s: float = SEND_S
    ) -> None:
        self._address = address
        self._connect_s, self._send_s = connect_s, send_s
        self._tls = ssl.create_default_context(cafile=address.ca_file) if address.tls else None

    @property
    def most_s(self) -> float:
        """The longest that `send` should take: two addresses tried in vain, and the exchange with a third."""
        return 2 * self._connect_s + self._send_s

    def send(self, key: str, body: str, at_s: int) -> Attempt:
        """POST it once."""
        payload = body.encode()
        connection = self._connection()
        over = threading.Event()
        watch = threading.Timer(self._send_s, _cut, (connection, over))
        watch.daemon = True
        try:
            connection.connect()
            watch.start()
            headers = sign(self._address.secret, key, payload, at_s)
            connection.request("POST", self._address.target, payload, headers)
            return judge(connection.getresponse())
        except (http.client.HTTPException, OSError) as error:
            return _failure(error, cut_off=over.is_set())
        finally:
            watch.cancel()
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        address = self._address
        wait_s = self._connect_s
        if self._tls is None:
            return http.client.HTTPConnection(address.host, address.port, timeout=wait_s)
        return http.client.HTTPSConnection(
            address.host, address.port, timeout=wait_s, context=self._tls
        )


def sign(secret: bytes, key: str, payload: bytes, at_s: int) -> dict[str, str]:
    """The headers of a notification."""
    signed = f"{key}.{at_s}.".encode() + payload
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "gatehouse-hub",
        "Connection": "close",
        "Idempotency-Key": key,
        "Webhook-Id": key,
        "Webhook-Timestamp": str(at_s),
        "Webhook-Signature": f"v1,{signature}",
    }


def judge(response: http.client.HTTPResponse) -> Attempt:
    """What the receiver's answer means. Any 2xx is a receipt; everything else is tried again."""
    status = response.status
    if 200 <= status < 300:
        return Attempt(Outcome.ARRIVED)
    if 300 <= status < 400:
        return Attempt(Outcome.REDIRECT, f"{status}, which is not followed")
    asked = response.headers.get("Retry-After", "").strip()
    wait_s = float(asked) if _WHOLE_SECONDS.fullmatch(asked) else None
    return Attempt(Outcome.STATUS, str(status), wait_s)


def _failure(error: Exception, *, cut_off: bool) -> Attempt:
    """The reason of a failure, in words of ours or of the system; never with the address, which may hold a token."""
    if cut_off or isinstance(error, TimeoutError):
        return Attempt(Outcome.TIMEOUT)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Attempt(Outcome.TLS, error.verify_message)
    if isinstance(error, ssl.SSLError):
        return Attempt(Outcome.TLS, error.reason or "")
    if isinstance(error, OSError):
        return Attempt(Outcome.UNREACHABLE, error.strerror or type(error).__name__)
    return Attempt(Outcome.NOT_HTTP, type(error).__name__)


def _cut(connection: http.client.HTTPConnection, over: threading.Event) -> None:
    """Time is up: whoever still waits for the receiver is told that nothing more comes."""
    over.set()
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(2)
        except OSError:
            return  # closed meanwhile
