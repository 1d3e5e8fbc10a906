import socket
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.hosts import pin, refusal, strangers

BYPASSES = [
    "127.0.0.1", "127.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "0x7f000001", "0177.0.0.1",
    "localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]",
    "169.254.169.254", "169.254.0.1", "2852039166", "0xa9fea9fe", "[fe80::1]", "224.0.0.1",
    "239.255.255.250", "[ff02::1]", "240.0.0.1", "255.255.255.255", "user@127.0.0.1", "8.8.8.8@127.0.0.1",
    "[0:0:0:0:0:ffff:127.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("host", BYPASSES)
def test_no_spelling_of_a_forbidden_address_passes(host):
    with pytest.raises(SourceFailedError) as caught:
        pin(f"rtsp://{host}/live")
    assert caught.value.reason in {FailReason.REFUSED, FailReason.UNREACHABLE}


@pytest.mark.parametrize(
    "host", ["192.168.1.64", "10.0.0.7", "172.16.3.3", "[fd00::5]", "203.0.113.9"]
)
def test_a_camera_on_a_plain_network_passes(host):
    assert refusal(ip_address(host.strip("[]")), subnets=(), allow_loopback=False) is None


def test_loopback_passes_only_where_it_is_allowed():
    url, ip, port = pin("rtsp://u:p@localhost/live?x=1", allow_loopback=True)
    assert ip.is_loopback
    assert port == 554
    assert url in {"rtsp://u:p@127.0.0.1:554/live?x=1", "rtsp://u:p@[::1]:554/live?x=1"}


def test_link_local_is_refused_even_where_loopback_is_allowed():
    assert refusal(ip_address("169.254.169.254"), subnets=(), allow_loopback=True)


def test_a_camera_outside_its_subnets_is_refused():
    with pytest.raises(SourceFailedError, match=r"outside the camera subnets 10\.2\.0\.0/16"):
        pin("rtsp://10.3.0.1/live", subnets=("10.2.0.0/16",))
    assert (
        pin("rtsp://10.2.9.9:8554/live", subnets=("10.2.0.0/16",))[0] == "rtsp://10.2.9.9:8554/live"
    )


def test_looking_for_strangers_leaves_no_descriptor_behind():
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
        with near, far, Path(__file__).open():
            before = sorted(fd.name for fd in Path("/proc/self/fd").iterdir())
            assert strangers(ip_address("10.0.0.7")) >= {"127.0.0.1"}
            assert "127.0.0.1" not in strangers(ip_address("127.0.0.1"))
            assert sorted(fd.name for fd in Path("/proc/self/fd").iterdir()) == before


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_ipv6_changes_nothing(ip):
    plain = refusal(ip, subnets=("10.0.0.0/8",), allow_loopback=False)
    mapped = refusal(ip_address(f"::ffff:{ip}"), subnets=("10.0.0.0/8",), allow_loopback=False)
    assert plain == mapped
