"""One page with one picture, from memory, on this machine only, for a few minutes. Nothing of it is written to disk.

Bounds   127.0.0.1; one address, `/`; GET only; a request that names another host is refused, so that no page from elsewhere can
         read it through a browser; nothing may be stored by the browser.
"""

import base64
from collections.abc import Callable
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.errors import ConfigError

HERE: Final = "127.0.0.1"
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_POLL_S: Final = 0.5
_TYPES: Final = {b"\x89P": "png", b"\xff\xd8": "jpeg"}


def page(title: str, picture: bytes, lines: tuple[str, ...]) -> bytes:
    """The page: a PNG or JPEG and lines of text, without a script and without any other address."""
    kind = _TYPES[picture[:2]]
    coded = base64.b64encode(picture).decode()
    text = escape("\n".join(lines))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>body{{font:16px sans-serif;margin:2rem}}img{{max-width:100%}}</style>"
        f"<h1>{escape(title)}</h1>"
        f'<img alt="{escape(title)}" src="data:image/{kind};base64,{coded}">'
        f"<pre>{text}</pre></html>"
    ).encode()


class PageServer:
    """Serves one page until `close`."""

    def __init__(self, body: bytes, port: int = 0) -> None:
        try:
            self._server = HTTPServer((HERE, port), _handler(body))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be used: {error.strerror}",
                place="--port",
                remedy="Give another one, or none",
            ) from None
        self._server.timeout = _POLL_S

    @property
    def address(self) -> str:
        """What to open in a browser on this machine."""
        return f"http://{HERE}:{self._server.server_address[1]}/"

    def serve(self, minutes: float) -> None:
        """Answer for so long, or until Ctrl-C."""
        clock = SystemClock()
        end_s = clock.monotonic_s() + minutes * 60.0
        try:
            while clock.monotonic_s() < end_s:
                self._server.handle_request()
        except KeyboardInterrupt:
            return
        finally:
            self.close()

    def close(self) -> None:
        """Let the port go; idempotent."""
        self._server.server_close()


def show(body: bytes, *, port: int, minutes: float, say: Callable[[str], None]) -> None:
    """Serve a page and say where. Raises ConfigError for a port that is taken."""
    server = PageServer(body, port)
    say(f"open {server.address} on this machine within {minutes:g} minutes; Ctrl-C ends it")
    server.serve(minutes)


def _handler(body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers with the page."""

        timeout = 5.0

        def do_GET(self) -> None:
            """The page, for a browser on this machine that asks for it by this machine's name."""
            host = self.headers.get("Host", "").rsplit(":", 1)[0]
            if host not in _HOSTS or self.path != "/":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header(
                "Content-Security-Policy",
                "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'",
            )
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            """Says nothing: the terminal belongs to the report."""

    return Handler
