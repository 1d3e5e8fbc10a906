"""One POST: signed, small, never followed elsewhere, over in time whatever the receiver does."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from gatehouse_hub.notify.attempts import Attempt, Outcome, next_wait_s
from gatehouse_hub.notify.webhook import Webhook
from gatehouse_testing.ports import free_port
from gatehouse_testing.receiver import SECRET, Receiver, receiver

KEY = "0123456789abcdef0123456789abcdef"
BODY = '{"what":"opened"}'


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def test_it_posts_the_body_with_its_key_and_a_signature(there: Receiver) -> None:
    attempt = Webhook(there.address("/hook?token=x")).send(KEY, BODY, 1_700_000_000)
    assert attempt == Attempt(Outcome.ARRIVED)
    (post,) = there.posts
    assert (post.key, post.body, post.target) == (KEY, BODY.encode(), "/hook?token=x")
    assert post.headers["content-type"] == "application/json"
    assert post.headers["webhook-timestamp"] == "1700000000"
    assert post.is_signed()
    assert not post.is_signed(SECRET + b"!")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_what_is_not_a_receipt_is_tried_again(there: Receiver, status: int) -> None:
    there.answer = lambda _: status
    there.headers["Retry-After"] = "120"
    attempt = Webhook(there.address()).send(KEY, BODY, 0)
    assert attempt == Attempt(Outcome.STATUS, str(status), 120.0)
    assert next_wait_s(0, attempt, 0.5) == 120.0


def test_a_redirect_is_not_followed(there: Receiver) -> None:
    with receiver() as elsewhere:
        there.answer = lambda _: 307
        there.headers["Location"] = f"http://127.0.0.1:{elsewhere.port}/"
        assert Webhook(there.address()).send(KEY, BODY, 0).outcome is Outcome.REDIRECT
        assert elsewhere.posts == []


def test_nobody_there_is_unreachable() -> None:
    nobody = Receiver(port=free_port())
    attempt = Webhook(nobody.address()).send(KEY, BODY, 0)
    assert (attempt.outcome, attempt.detail) == (Outcome.UNREACHABLE, "Connection refused")


@pytest.mark.parametrize(
    ("trickle", "outcome"),
    [
        (b"", Outcome.TIMEOUT),
        (b"H", Outcome.TIMEOUT),
        (b"HTTP/1.1 204 No Content\r\nX: ", Outcome.ARRIVED),
    ],
)
def test_one_who_never_comes_to_an_end_is_cut_off(trickle: bytes, outcome: Outcome) -> None:
    """Silent, or a byte now and then: each wait alone would be short enough. A receipt is one, whatever follows it."""
    with _dribbling(trickle) as port:
        began_s = time.monotonic()
        attempt = Webhook(Receiver(port=port).address(), connect_s=2.0, send_s=0.5).send(
            KEY, BODY, 0
        )
        assert attempt.outcome is outcome
        assert time.monotonic() - began_s < 2.0


def test_one_who_speaks_something_else_is_told_apart() -> None:
    with _dribbling(b"220 mail.example ESMTP\r\n") as port:
        attempt = Webhook(Receiver(port=port).address(), send_s=0.5).send(KEY, BODY, 0)
    assert attempt.outcome is Outcome.NOT_HTTP


def test_waits_grow_to_ten_minutes_and_end() -> None:
    failed = Attempt(Outcome.TIMEOUT)
    waits = [next_wait_s(n, failed, 0.5) for n in range(80)]
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert waits[10:79] == [600.0] * 69
    assert waits[79] is None
    assert sum(w or 0 for w in waits) > 10 * 3600
    assert next_wait_s(0, Attempt(Outcome.STATUS, "503", 1e9), 0.0) == 3_600.0


class _dribbling:  # noqa: N801 - reads as a context
    """A server that says `text`, then a byte every 50 ms."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._over = threading.Event()

    def __enter__(self) -> int:
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._listening.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listening.close()

    def _serve(self) -> None:
        line, _ = self._listening.accept()
        with line:
            line.sendall(self._text)
            while not self._over.wait(0.05):
                try:
                    line.sendall(b"x" if self._text else b"")
                except OSError:
                    return
