"""A connection comes back from whatever befalls it: silence, a thread that died or hangs, a broker that refuses."""

import contextlib
import socket
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from gatehouse_hub.clock import SystemClock
from gatehouse_hub.ingest.connection import Broker, Connection, LinkTimes
from gatehouse_testing.broker import Mosquitto, mosquitto
from gatehouse_testing.waiting import wait_until

QUICK = LinkTimes(keepalive_s=1, retry_min_s=0.05, retry_max_s=0.2, watch_s=0.1, stuck_s=2.0)
TOPIC = "gatehouse/v1/00/gw_1/up/alarm"


class Heard:
    """Takes messages, and does with the first what a test wants."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.hung = threading.Event()
        self.let_go = threading.Event()
        self.hang = False
        self.dies: BaseException | None = None

    def __call__(self, topic: str, payload: bytes, *, retained: bool) -> None:
        del topic, retained
        if self.hang:
            self.hang = False
            self.hung.set()
            self.let_go.wait(60)
        if self.dies is not None:
            dies, self.dies = self.dies, None
            raise dies
        self.messages.append(payload)


@contextlib.contextmanager
def connected(port: int, heard: Heard | None, times: LinkTimes = QUICK) -> Generator[Connection]:
    connection = Connection(
        "listener" if heard else "speaker",
        Broker(host="127.0.0.1", port=port),
        heard,
        SystemClock(),
        times,
    )
    connection.listen([TOPIC])
    connection.start()
    try:
        yield connection
    finally:
        connection.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.mark.broker
def test_a_thread_that_hangs_is_given_up_and_what_it_still_says_counts_no_more(
    broker: Mosquitto,
) -> None:
    heard = Heard()
    heard.hang = True
    with (
        connected(broker.port, heard) as connection,
        connected(broker.port, None, LinkTimes()) as speaker,
    ):
        wait_until(lambda: connection.listening_s is not None and speaker.listening_s is not None)
        assert speaker.publish(TOPIC, b"first", retain=False)
        assert heard.hung.wait(10)

        def moves_again() -> bool:
            connection.check()
            return speaker.publish(TOPIC, b"again", retain=False) and b"again" in heard.messages

        wait_until(moves_again, 20)
        heard.let_go.set()


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_replaced(broker: Mosquitto) -> None:
    heard = Heard()
    heard.dies = SystemExit()  # not an Exception: it ends the thread without a word
    with (
        connected(broker.port, heard) as connection,
        connected(broker.port, None, LinkTimes()) as speaker,
    ):
        wait_until(lambda: connection.listening_s is not None and speaker.listening_s is not None)
        assert speaker.publish(TOPIC, b"last words", retain=False)
        wait_until(lambda: heard.dies is None)

        def heard_again() -> bool:
            connection.check()
            return speaker.publish(TOPIC, b"again", retain=False) and b"again" in heard.messages

        wait_until(heard_again, 20)


class SilentBroker:
    """Accepts connections and subscriptions, then says nothing more, not even to a ping."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.accepted = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                self._open.append(sock)
                self.accepted += 1
                sock.recv(1024)
                sock.sendall(b"\x20\x02\x00\x00")
                asked = sock.recv(1024)
                sock.sendall(b"\x90\x03" + asked[2:4] + b"\x01")

    def close(self) -> None:
        self._server.close()
        for sock in self._open:
            sock.close()


def test_a_broker_that_says_nothing_is_left_and_sought_again() -> None:
    broker = SilentBroker()
    try:
        with connected(broker.port, Heard()) as connection:
            wait_until(lambda: connection.listening_s is not None)
            wait_until(lambda: broker.accepted >= 2, 20, what="another try")
    finally:
        broker.close()
