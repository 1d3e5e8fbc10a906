"""Plug-ins that read devices over one line, with real sockets at the other end."""

import logging
import os
import pty
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse_edge.clock import SystemClock
from gatehouse_edge.plugins.hosts import SourceHost
from gatehouse_edge.plugins.process import LineGoneError, PluginBreachError, PluginProcess, Start
from gatehouse_edge.plugins.spec import DeviceMap, parse_line, read_code
from gatehouse_edge.rules.observations import Observation
from gatehouse_edge.sources.mapping import CounterMap, QuantityMap, StateMap
from gatehouse_edge.values import Reading, SourceDown
from gatehouse_shared.names import Quantity
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.kinds import those
from gatehouse_testing.plugged import ESCAPE, code
from gatehouse_testing.waiting import wait_until

MODBUS = ROOT / "edge/docs/examples/modbus_level.py"
LEVEL = {
    "underpass_1": DeviceMap(
        quantity=QuantityMap(field="level", quantity=Quantity.WATER_LEVEL, scale=0.1)
    )
}
DATAGRAMS = """
import json

class Plugin:
    def __init__(self, params):
        pass

    def read(self, connection):
        came = []
        while data := connection.receive(0.05):
            came.append(json.loads(data))
        return came
"""


class Meter:
    """A Modbus device with one register of unit 1, that closes its line after `closes_after` answers."""

    def __init__(self, millimetres: int, closes_after: int = 1_000) -> None:
        self.millimetres, self.closes_after = millimetres, closes_after
        self.lines = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.lines += 1
            with line:
                for _ in range(self.closes_after):
                    asked = line.recv(12)
                    if len(asked) < 12:
                        break
                    line.sendall(self._answer(asked))

    def _answer(self, asked: bytes) -> bytes:
        number, _, _, unit, function, register, count = struct.unpack(">HHHBBHH", asked)
        assert (unit, function, count) == (1, 3, 1)
        if register != 3:
            return struct.pack(">HHHBBB", number, 0, 3, unit, 0x83, 2)
        return struct.pack(">HHHBBBh", number, 0, 5, unit, 3, 2, self.millimetres)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def meter() -> Iterator[Callable[..., Meter]]:
    made: list[Meter] = []

    def make(*given: int) -> Meter:
        made.append(Meter(*given))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Stage:
    def __init__(self, start: Start, devices: dict[str, DeviceMap], every_s: float = 0.05) -> None:
        self.told: list[Observation] = []
        self.breaches: list[str] = []
        self.host = SourceHost(
            start, devices, every_s, SystemClock(), self.told.append, self.breaches.append
        )
        self.host.start()

    @property
    def readings(self) -> list[Reading]:
        return those(Reading, self.told)


@pytest.fixture
def stage(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Stage]]:
    caplog.set_level(logging.INFO)
    made: list[Stage] = []

    def make(*given: object) -> Stage:
        made.append(Stage(*given))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.host.close()


def source(text: str, connection: str, answer_s: float = 5.0, **params: float) -> Start:
    return Start(
        code=code(text),
        role="source",
        params=(dict(params),),
        line=parse_line(connection, "test"),
        answer_s=answer_s,
    )


def modbus(port: int, register: int = 3) -> Start:
    text = read_code("modbus_level", MODBUS).data.decode()
    return source(text, f"tcp://127.0.0.1:{port}", unit=1, register=register)


def test_the_example_reads_a_level_over_modbus(meter, stage) -> None:
    """What the docs show, against a device at the other end: -123 mm are -12 cm."""
    on = stage(modbus(meter(-123).port), LEVEL)
    reading = wait_until(lambda: on.readings)[0]
    assert (reading.device, reading.quantity, reading.value) == (
        "underpass_1",
        Quantity.WATER_LEVEL,
        -12,
    )


def test_a_line_that_breaks_is_opened_again(meter, stage, caplog) -> None:
    device = meter(500, 3)
    on = stage(modbus(device.port), LEVEL)
    wait_until(lambda: device.lines >= 2 and len(on.readings) > 3)
    assert [type(o) for o in on.told].count(SourceDown) == 1
    assert "lost its line; trying again" in caplog.text
    assert "gives readings again" in caplog.text


def test_a_device_that_refuses_is_said_once_and_gives_nothing(meter, stage, caplog) -> None:
    on = stage(modbus(meter(0).port, register=9), LEVEL)
    wait_until(lambda: "the device refuses, with code 2" in caplog.text)
    on.host.close()
    assert on.told == []
    assert caplog.text.count("the device refuses") == 1


def test_a_line_that_cannot_be_had_is_a_source_that_is_down(stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    on = stage(modbus(port), LEVEL)
    wait_until(lambda: on.told)
    assert isinstance(on.told[0], SourceDown)
    assert on.told[0].device == "underpass_1"
    assert "Connection refused" in on.told[0].reason


def test_datagrams_become_readings_of_the_devices_they_name(stage, caplog) -> None:
    port = free_port()
    devices = {
        "gas_1": DeviceMap(quantity=QuantityMap(field="lel", quantity=Quantity.GAS)),
        "door_1": DeviceMap(state=StateMap(field="open", means_true=(True,))),
        "gate_1": DeviceMap(counter=CounterMap(in_="in", out="out")),
    }
    on = stage(source(DATAGRAMS, f"udp://127.0.0.1:{port}"), devices)
    wait_until(lambda: on.host.running)
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for data in (
            b'{"lel": 7}',
            b'{"open": true, "in": 3, "out": 0}',
            b'{"lel": 200}',
            b'{"x": 1}',
        ):
            sender.sendto(data, ("127.0.0.1", port))
        wait_until(lambda: len(on.readings) == 3 and "outside the range of gas" in caplog.text)
    found = {r.device: (r.state, r.value, r.passed) for r in on.readings}
    assert found == {
        "gas_1": (None, 7, None),
        "door_1": (True, None, None),
        "gate_1": (None, None, (3, 0)),
    }


def test_no_text_comes_out_of_a_source(stage, caplog) -> None:
    text = DATAGRAMS.replace("return came", 'return {"plate": "K 123"}')
    on = stage(source(text, f"udp://127.0.0.1:{free_port()}"), LEVEL)
    wait_until(lambda: "got `str`" in caplog.text)
    on.host.close()
    assert on.readings == []


def test_an_agent_that_stops_waits_for_no_device(stage) -> None:
    clock = SystemClock()
    text = DATAGRAMS.replace("came = []", "came = [connection.receive(50.0)]")
    on = stage(source(text, f"udp://127.0.0.1:{free_port()}", 60.0), LEVEL)
    wait_until(lambda: on.host.running)
    began_s = clock.monotonic_s()
    on.host.close()
    assert clock.monotonic_s() - began_s < 3.0
    assert on.told == []


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_serial_line_is_read_and_written_raw() -> None:
    ours, theirs = pty.openpty()
    text = DATAGRAMS.replace("came = []", "connection.send(b'?\\n'); came = []")
    start = source(text, f"serial:{os.ttyname(theirs)}?baud=19200")
    process = PluginProcess(start)
    try:
        process.start()
        os.write(ours, b'{"level": 4}')
        assert process.ask().messages == ({"level": 4},)
        assert os.read(ours, 10) == b"?\n"
    finally:
        process.close()
        os.close(ours)
        os.close(theirs)


def test_a_file_is_no_serial_line(tmp_path: Path) -> None:
    with pytest.raises(LineGoneError, match="is no serial device"):
        PluginProcess(source(DATAGRAMS, "serial:/dev/fd")).start()


TRIED = {
    "another line": 'reach("ctypes").CDLL(None).socket(2, 1, 0)',
    "another line of Python's": 'reach("socket").socket()',
    "the same line elsewhere": 'reach("ctypes").CDLL(None).connect(3, b"x" * 16, 16)',
}


@pytest.mark.parametrize("body", TRIED.values(), ids=TRIED)
def test_a_source_has_its_one_line_and_no_other(body: str, meter) -> None:
    text = ESCAPE + DATAGRAMS.replace("came = []", f"silence(); {body}; came = []")
    process = PluginProcess(source(text, f"tcp://127.0.0.1:{meter(0).port}"))
    try:
        process.start()
        with pytest.raises(PluginBreachError):
            process.ask()
    finally:
        process.close()


def test_a_source_sees_no_file_such_as_the_outbox(meter, tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"rows")
    text = DATAGRAMS.replace("came = []", f"open({str(tmp_path / 'outbox.db')!r}); came = []")
    process = PluginProcess(source(text, f"tcp://127.0.0.1:{meter(0).port}"))
    try:
        process.start()
        answer = process.ask()
        assert "may not open a file" in answer.fault
        assert answer.refused
    finally:
        process.close()
