"""Somebody who is told over HTTP: a real server on loopback that remembers what it was sent and answers as a test says."""

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gatehouse_hub.notify.webhook import Address
from gatehouse_testing.ports import free_port

SECRET = b"a secret of more than 24 bytes"


@dataclass(frozen=True, slots=True)
class Post:
    """One request. `key` as the header says."""

    key: str
    body: bytes
    headers: dict[str, str]
    target: str

    @property
    def notice(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    def is_signed(self, secret: bytes = SECRET) -> bool:
        """Whether the signature is right, checked as a receiver would."""
        head = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}."
        digest = hmac.new(secret, head.encode() + self.body, hashlib.sha256).digest()
        return self.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


@dataclass
class Receiver:
    """`answer` gives the status for a request, by default 204; `tail` is sent as further header lines."""

    port: int = field(default_factory=free_port)
    answer: Callable[[Post], int] = lambda _post: 204
    headers: dict[str, str] = field(default_factory=dict[str, str])
    posts: list[Post] = field(default_factory=list[Post])
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Be there."""
        self._server = _Server(("127.0.0.1", self.port), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def address(self, target: str = "/hook") -> Address:
        """Where to tell it."""
        return Address(host="127.0.0.1", port=self.port, target=target, tls=False, secret=SECRET)

    def keys(self) -> Counter[str]:
        """How often each key came."""
        return Counter(post.key for post in list(self.posts))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def receiver() -> Generator[Receiver]:
    """A receiver that is there."""
    found = Receiver()
    found.start()
    try:
        yield found
    finally:
        found.stop()


def _handler(told: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            post = Post(headers["idempotency-key"], body, headers, self.path)
            told.posts.append(post)
            status = told.answer(post)
            self.send_response(status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def handle(self) -> None:
            """A sender that was killed is no news."""
            with suppress(ConnectionError):
                super().handle()

        def log_request(self, code: Any = 0, size: Any = 0) -> None:
            """Tests are quiet."""

    return Handler
