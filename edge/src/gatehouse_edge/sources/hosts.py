"""Which network addresses a camera may have. Runs in the decode child, again at every reconnect.

A camera address is text from a configuration file, and so a way to make the gateway talk to itself, to a cloud's metadata
service or to a neighbour. The name is resolved once, every address it has is judged, and the judged address is put into
the URL, so that a name that changes its answer between check and use gains nothing.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from gatehouse_edge.sources.failures import FailReason, SourceFailedError

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
Ip = IPv4Address | IPv6Address


def refusal(ip: Ip, *, subnets: Sequence[str], allow_loopback: bool) -> str | None:
    """Why a camera may not be at `ip`; None when it may. Addresses that wrap another are judged by the inner one."""
    inner = _inner(ip)
    if inner is not None:
        return refusal(inner, subnets=subnets, allow_loopback=allow_loopback)
    if ip.is_loopback:
        return None if allow_loopback else f"{ip} is this machine itself"
    kinds = {
        "link-local, where cloud metadata services live": ip.is_link_local,
        "multicast": ip.is_multicast,
        "no address of a device": ip.is_unspecified or ip.is_reserved,
    }
    for kind, is_so in kinds.items():
        if is_so:
            return f"{ip} is {kind}"
    if subnets and not any(ip in ipaddress.ip_network(net, strict=False) for net in subnets):
        return f"{ip} is outside the camera subnets {', '.join(subnets)}"
    return None


def _inner(ip: Ip) -> IPv4Address | None:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one."""
    if isinstance(ip, IPv4Address):
        return None
    teredo = ip.teredo
    if ip in ipaddress.ip_network("64:ff9b::/96"):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (teredo[1] if teredo else None)


def pin(
    url: str, *, subnets: Sequence[str] = (), allow_loopback: bool = False
) -> tuple[str, Ip, int]:
    """The URL with its host replaced by the address it was judged at, that address, and the port.

    Raises SourceFailedError when the name has no address or any of its addresses is refused.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme.lower()]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceFailedError(FailReason.UNREACHABLE, f"the name {host} has no address") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for ip in addresses:
        why = refusal(ip, subnets=subnets, allow_loopback=allow_loopback)
        if why is not None:
            raise SourceFailedError(FailReason.REFUSED, f"camera address refused: {why}")
    ip = addresses[0]
    shown = f"[{ip}]" if isinstance(ip, IPv6Address) else str(ip)
    login, at, _ = parts.netloc.rpartition("@")
    netloc = f"{login}{at}{shown}:{port}"
    return urlunsplit((parts.scheme.lower(), netloc, parts.path, parts.query, "")), ip, port


def strangers(allowed: Ip) -> set[str]:
    """Remote addresses of this process's internet sockets other than `allowed`.

    A camera can answer with a redirect, which the RTSP client follows without asking; this shows it afterwards.
    """
    found: set[str] = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            fd = int(entry.name)
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
            with socket.socket(fileno=os.dup(fd)) as probe:
                if probe.family not in {socket.AF_INET, socket.AF_INET6}:
                    continue
                peer = ipaddress.ip_address(str(probe.getpeername()[0]).partition("%")[0])
        except OSError:
            continue  # not connected, or closed meanwhile
        if peer != allowed and getattr(peer, "ipv4_mapped", None) != allowed:
            found.add(str(peer))
    return found
