"""TCP ports of the loopback interface, for servers that a test or the demo starts."""

import socket


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_answering(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def speaks_mqtt(port: int, account: tuple[str, str] | None = None) -> bool:
    """Whether a CONNECT is let in there; a listener may be open long before that."""
    flags, body = 2, b"\0\4look"
    if account is not None:
        flags |= 0xC0
        body += b"".join(len(word).to_bytes(2, "big") + word.encode() for word in account)
    head = b"\0\4MQTT" + bytes([4, flags, 0, 10])
    connect = bytes([0x10, len(head) + len(body)]) + head + body
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as probe:
            probe.sendall(connect)
            return probe.recv(4) == b"\x20\2\0\0"
    except OSError:
        return False
