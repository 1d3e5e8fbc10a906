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


def speaks_mqtt(port: int) -> bool:
    """Whether a CONNECT there is answered at all, be it with a refusal; a listener may be open long before."""
    connect = bytes([0x10, 16, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 10, 0, 4]) + b"look"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as probe:
            probe.sendall(connect)
            return probe.recv(4)[:1] == b"\x20"
    except OSError:
        return False
