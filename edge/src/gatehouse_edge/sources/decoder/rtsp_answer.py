"""Asks an RTSP camera that could not be opened why, in plain RTSP: OPTIONS-less DESCRIBE without credentials.

FFmpeg behind OpenCV only says "not opened"; an installer needs to know whether it is the cable, the password or the path.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit, urlunsplit

from gatehouse_edge.sources.failures import FailReason, SourceFailedError

TIMEOUT_S = 3.0
MAX_ANSWER = 4096


def ask(url: str, ip: str, port: int, *, tls: bool) -> SourceFailedError:
    """The most likely reason, as a SourceFailedError to raise."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((ip, port), TIMEOUT_S) as connection:
            if tls:
                return SourceFailedError(
                    FailReason.NO_STREAM, "it answers, but gives no video stream"
                )
            host = parts.netloc.rpartition("@")[2]
            bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
            request = f"DESCRIBE {bare} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
            connection.settimeout(TIMEOUT_S)
            connection.sendall(request.encode())
            answer = connection.recv(MAX_ANSWER)
    except TimeoutError:
        return SourceFailedError(FailReason.UNREACHABLE, f"{ip} port {port} does not answer")
    except OSError as error:
        why = (error.strerror or "no connection").lower()
        return SourceFailedError(FailReason.UNREACHABLE, f"{ip} port {port}: {why}")
    return _judge(answer, has_login=bool(parts.username))


def _judge(answer: bytes, *, has_login: bool) -> SourceFailedError:
    if not answer:
        return SourceFailedError(FailReason.UNREACHABLE, "the camera hangs up without an answer")
    words = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"RTSP/") or not words[1].isdigit():
        return SourceFailedError(FailReason.NO_STREAM, "what answers there does not speak RTSP")
    status = int(words[1])
    if status in {401, 403}:
        what = "refuses this user or password" if has_login else "asks for a user and a password"
        return SourceFailedError(FailReason.LOGIN, f"the camera {what} (RTSP {status})")
    if status == 404:
        return SourceFailedError(
            FailReason.NO_STREAM, "the camera has no stream of that path (RTSP 404)"
        )
    if 300 <= status < 400:
        return SourceFailedError(
            FailReason.REFUSED, f"the camera redirects elsewhere (RTSP {status})"
        )
    return SourceFailedError(
        FailReason.NO_STREAM, f"the camera answers RTSP {status} but its video cannot be opened"
    )
