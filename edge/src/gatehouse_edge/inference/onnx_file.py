"""What an ONNX file says of itself, read without running it: operator domains, outside data, inputs and outputs.

Reads only the few fields that the model gate needs from the protobuf wire format
(https://protobuf.dev/programming-guides/encoding), with the field numbers of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Nothing of a weight is touched. Bounds: graphs nest at
most 8 deep, at most 200,000 messages are looked at. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

Value = int | memoryview
_MAX_DEPTH: Final = 8
_MAX_MESSAGES: Final = 200_000

_MODEL_GRAPH, _MODEL_OPSET, _MODEL_FUNCTION = 7, 8, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN, _OPSET_DOMAIN = 5, 7, 1
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 13, 14
_INFO_NAME, _INFO_TYPE, _TYPE_TENSOR, _TENSOR_ELEMENT, _TENSOR_SHAPE = 1, 2, 1, 1, 2
_SHAPE_DIM, _DIM_VALUE = 1, 1


class BrokenFileError(Exception):
    """The bytes are no ONNX model, or one beyond the bounds of this reader."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: `element` is the number of its type in onnx.proto (1 is float32); a free dimension is 0."""

    name: str
    element: int
    shape: tuple[int, ...]


@dataclass(slots=True)
class OnnxFile:
    """The file's word on itself. `inputs` leaves out those that are weights."""

    domains: set[str] = field(default_factory=set[str])
    outside_data: bool = False
    functions: int = 0
    inputs: list[Port] = field(default_factory=list[Port])
    outputs: list[Port] = field(default_factory=list[Port])


def read_onnx(data: bytes) -> OnnxFile:
    """Reads the outline of a model. Raises BrokenFileError."""
    found = OnnxFile()
    reader = _Reader(found)
    try:
        for number, value in _fields(memoryview(data)):
            if number == _MODEL_GRAPH:
                reader.read_graph(_message(value), depth=0)
            elif number == _MODEL_OPSET:
                found.domains.add(_text_of(_message(value), _OPSET_DOMAIN))
            elif number == _MODEL_FUNCTION:
                found.functions += 1
    except (IndexError, UnicodeDecodeError) as error:
        raise BrokenFileError("ends in the middle, or holds text that is none") from error
    if not found.outputs:
        raise BrokenFileError("declares no output")
    return found


class _Reader:
    """Walks graphs and the graphs inside their nodes."""

    def __init__(self, found: OnnxFile) -> None:
        self._found = found
        self._messages = 0

    def read_graph(self, graph: memoryview, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise BrokenFileError(f"graphs nest deeper than {_MAX_DEPTH}")
        weights: set[str] = set()
        inputs: list[Port] = []
        for number, value in _fields(graph):
            self._count()
            if number == _GRAPH_NODE:
                self._read_node(_message(value), depth)
            elif number == _GRAPH_INITIALIZER:
                weights.add(self._read_tensor(_message(value)))
            elif number == _GRAPH_SPARSE:
                raise BrokenFileError("holds sparse weights, which are not supported")
            elif number == _GRAPH_INPUT and depth == 0:
                inputs.append(_read_port(_message(value)))
            elif number == _GRAPH_OUTPUT and depth == 0:
                self._found.outputs.append(_read_port(_message(value)))
        self._found.inputs.extend(port for port in inputs if port.name not in weights)

    def _read_node(self, node: memoryview, depth: int) -> None:
        self._found.domains.add(_text_of(node, _NODE_DOMAIN))
        for number, value in _fields(node):
            if number == _NODE_ATTRIBUTE:
                self._read_attribute(_message(value), depth)

    def _read_attribute(self, attribute: memoryview, depth: int) -> None:
        for number, value in _fields(attribute):
            self._count()
            if number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                self.read_graph(_message(value), depth + 1)
            elif number in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                self._read_tensor(_message(value))

    def _read_tensor(self, tensor: memoryview) -> str:
        name = ""
        for number, value in _fields(tensor):
            if number == _TENSOR_NAME:
                name = bytes(_message(value)).decode()
            elif number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value == 1):
                self._found.outside_data = True
        return name

    def _count(self) -> None:
        self._messages += 1
        if self._messages > _MAX_MESSAGES:
            raise BrokenFileError(f"has more than {_MAX_MESSAGES} parts")


def _read_port(info: memoryview) -> Port:
    """A ValueInfoProto; anything but a tensor is a port of element 0."""
    name, element = "", 0
    shape: list[int] = []
    for number, value in _fields(info):
        if number == _INFO_NAME:
            name = bytes(_message(value)).decode()
        elif number == _INFO_TYPE:
            for tensor in _messages_of(_message(value), _TYPE_TENSOR):
                for part, inner in _fields(tensor):
                    if part == _TENSOR_ELEMENT and isinstance(inner, int):
                        element = inner
                    elif part == _TENSOR_SHAPE:
                        shape = [
                            _dimension(dim) for dim in _messages_of(_message(inner), _SHAPE_DIM)
                        ]
    return Port(name, element, tuple(shape))


def _dimension(dim: memoryview) -> int:
    return next((v for n, v in _fields(dim) if n == _DIM_VALUE and isinstance(v, int)), 0)


def _text_of(message: memoryview, wanted: int) -> str:
    return next((bytes(_message(v)).decode() for n, v in _fields(message) if n == wanted), "")


def _messages_of(message: memoryview, wanted: int) -> list[memoryview]:
    return [_message(value) for number, value in _fields(message) if number == wanted]


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise BrokenFileError("a number stands where a part should be")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Fields of one message: number and value. Lengths are checked against the message before they are used."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise BrokenFileError("is not in the protobuf format")
        if size > len(data) - at:
            raise BrokenFileError("ends in the middle of a part")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of up to ten bytes, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BrokenFileError("holds a number that does not end")
