"""Reads a level sensor over Modbus TCP: one holding register, every time it is asked.

In the gateway's file, for a sensor that gives millimetres in register 3 of unit 1:

    plugins:
      sources:
        - name: modbus_level
          file: plugins/modbus_level.py
          sha256: ...
          connection: tcp://192.168.10.40:502
          every_s: 10
          params: {unit: 1, register: 3}
          devices:
            underpass_1: {quantity: {field: level, quantity: water_level, scale: 0.1}}   # mm to cm

Parameters   unit      the device's number on the bus
             register  the holding register, counted from 0
             signed    true where levels below the mark are negative numbers
"""

import struct
from collections.abc import Mapping

from gatehouse_edge.plugins.api import Connection

READ_HOLDING = 3
HEAD = struct.Struct(">HHHBB")  # transaction, protocol, bytes to come, unit, function
REPLY_S = 3.0


class Plugin:
    """One question and one answer a reading."""

    def __init__(self, params: Mapping[str, float | int | bool]) -> None:
        self._unit = int(params.get("unit", 1))
        self._register = int(params.get("register", 0))
        self._format = ">h" if params.get("signed", True) else ">H"
        self._transaction = 0

    def read(self, connection: Connection) -> dict[str, float]:
        """The register's number, as `level`."""
        self._transaction = (self._transaction + 1) % 65_536
        head = HEAD.pack(self._transaction, 0, 6, self._unit, READ_HOLDING)
        connection.send(head + struct.pack(">HH", self._register, 1))
        reply = self._received(connection, HEAD.size + 1)
        transaction, _, _, unit, function = HEAD.unpack_from(reply)
        if (transaction, unit) != (self._transaction, self._unit):
            raise ConnectionError(
                "an answer to another question"
            )  # what follows would be wrong too
        if function != READ_HOLDING:
            raise ValueError(f"the device refuses, with code {reply[HEAD.size]}")
        reply = self._received(connection, HEAD.size + 3, reply)
        return {"level": struct.unpack_from(self._format, reply, HEAD.size + 1)[0]}

    def _received(self, connection: Connection, size: int, so_far: bytes = b"") -> bytes:
        """At least `size` bytes; a device that does not answer is a broken line."""
        while len(so_far) < size:
            came = connection.receive(REPLY_S)
            if not came:
                raise ConnectionError("the device does not answer")
            so_far += came
        return so_far
