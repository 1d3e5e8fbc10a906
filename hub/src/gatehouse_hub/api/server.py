"""The HTTP server in a thread of its own, so that ingest and linker run beside it in one process.

Fails closed: off loopback it wants TLS files, or `behind_proxy` with the addresses whose word about the client is taken.
"""

import asyncio
import logging
import socket
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from gatehouse_hub.errors import ConfigError

START_S: Final = 15.0
STOP_S: Final = 10.0
BACKLOG: Final = 256
CONNECTIONS_MAX: Final = 1_024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Where to listen. `port` 0 takes a free one. `proxies`: addresses of the reverse proxy, with `behind_proxy`."""

    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")

    @property
    def is_tls(self) -> bool:
        """Whether we speak TLS ourselves."""
        return self.tls_cert is not None and self.tls_key is not None


def check_binding(binding: Binding) -> None:
    """ConfigError for an address that would show passwords to the network, and for half of a TLS pair."""
    for place, file in (("http.tls_cert", binding.tls_cert), ("http.tls_key", binding.tls_key)):
        if file is not None and not file.is_file():
            raise ConfigError(
                f"there is no file {file}", place=place, remedy="Give the path of a PEM file"
            )
    if (binding.tls_cert is None) != (binding.tls_key is None):
        raise ConfigError(
            "TLS needs a certificate and its key",
            place="http.tls_cert, http.tls_key",
            remedy="Give both files, or neither",
        )
    if not (is_loopback(binding.host) or binding.is_tls or binding.behind_proxy):
        raise ConfigError(
            f"{binding.host} can be reached from other machines, and without TLS passwords would cross the network in clear",
            place="http.host",
            remedy="Listen on 127.0.0.1, or give tls_cert and tls_key, or set behind_proxy: true when a proxy"
            " in front of the hub speaks TLS",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "hub.example")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class HttpServer:
    """uvicorn with a start that returns when it answers and a stop that waits until it is gone."""

    def __init__(self, app: FastAPI, binding: Binding) -> None:
        check_binding(binding)
        self._binding = binding
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                backlog=BACKLOG,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=3,
                proxy_headers=binding.behind_proxy,
                forwarded_allow_ips=list(binding.proxies) if binding.behind_proxy else [],
                ssl_certfile=binding.tls_cert,
                ssl_keyfile=binding.tls_key,
            )
        )
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """Where a browser on this machine finds us; after `start`."""
        host = "127.0.0.1" if self._binding.host in ("0.0.0.0", "::") else self._binding.host  # noqa: S104 - compared
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self._binding.is_tls else 'http'}://{shown}:{self._port}"

    def start(self) -> None:
        """Listen. ConfigError when the address is taken or not ours."""
        listener = open_listener(self._binding)
        self._port = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._serve, args=(listener,), name="http", daemon=True
        )
        self._thread.start()
        self._started.wait(START_S)
        _log.info("console and API at %s", self.url)

    def stop(self) -> None:
        """Finish what is being answered and close."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            asyncio.run(self._run(listener))

    async def _run(self, listener: socket.socket) -> None:
        # The socket listens already: a request that comes before uvicorn's first turn waits in the backlog.
        asyncio.get_running_loop().call_soon(self._started.set)
        await self._server.serve(sockets=[listener])


def open_listener(binding: Binding) -> socket.socket:
    """A listening socket. ConfigError when it cannot be had."""
    family = socket.AF_INET6 if ":" in binding.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((binding.host, binding.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {binding.host} port {binding.port}: {error.strerror}",
            place="http.port",
            remedy="Stop what listens there, or choose another port",
        ) from error
    return listener
