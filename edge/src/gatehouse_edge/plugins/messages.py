"""What the agent and a plug-in's process say to each other, over one SOCK_SEQPACKET pair: one question, one answer.

    agent -> plug-in   Hello (the code itself, so that no file need be read), then Ask
    plug-in -> agent   Ready once, then for each Ask one Answer of the same number

Bounds: CODE_MAX_BYTES of code, ANSWER_MAX_BYTES an answer, and what the types say. An answer of another shape ends the plug-in.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

CODE_MAX_BYTES: Final = 128 * 1024
QUESTION_MAX_BYTES: Final = 192 * 1024
ANSWER_MAX_BYTES: Final = 16 * 1024
TEXT_MAX: Final = 240
TEXTS_MAX: Final = 8
FIELDS_MAX: Final = 64
MESSAGES_MAX: Final = 16
ROWS_MAX: Final = 64
LINE_GONE: Final = 4
"""Exit status of a source whose line is gone."""

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Texts = Annotated[tuple[Text, ...], Meta(max_length=TEXTS_MAX)]
Params = Annotated[
    dict[Annotated[str, Meta(max_length=48)], bool | int | float], Meta(max_length=64)
]
Fields = Annotated[
    dict[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(?![\s\S])")], bool | int | float],
    Meta(max_length=FIELDS_MAX),
]
"""Named numbers and booleans; there is no text among them."""


class Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A message, or a part of one."""


class Line(Message, frozen=True):
    """Where a source's line goes. `kind` tcp, udp or serial; `host` is the port's path for serial."""

    kind: Literal["tcp", "udp", "serial"]
    host: str
    port: int = 0
    baud: int = 9600


class Hello(Message, frozen=True):
    """First word: what is to run, with which parameters (once for each rule), on which line."""

    name: str
    role: Literal["rule", "source"]
    code: bytes
    params: tuple[Params, ...]
    memory_bytes: int
    line: Line | None = None


class Ready(Message, frozen=True):
    """First answer. `error` is empty, or says why nothing runs; `caged` False: the cage did not close, the line not open."""

    error: Text = ""
    caged: bool = True
    refused: Texts = ()


class View(Message, frozen=True):
    """One zone, once: rows of label, speed class, count, area share, longest stay."""

    zone: str
    at_s: float
    rows: Annotated[tuple[tuple[str, str, int, float, float], ...], Meta(max_length=ROWS_MAX)]
    hot_c: float | None


class Ask(Message, frozen=True):
    """A question: to the rule `which` what it says of `view`, or to a source what it has read."""

    number: int
    which: int = 0
    view: View | None = None


class Said(Message, frozen=True):
    """A Condition of the API, within its ranges."""

    on: bool
    hold: bool
    grade: Annotated[int, Meta(ge=1, le=4)]
    confidence: Annotated[int, Meta(ge=0, le=20)]
    count: Annotated[int, Meta(ge=0, le=1_000_000)] | None
    kind: Annotated[str, Meta(max_length=32)]
    reason: Text


class Answer(Message, frozen=True):
    """What came of a question. `fault` an error of the plug-in in words; `refused` what it tried in vain; `printed` its print."""

    number: int
    said: Said | None = None
    messages: Annotated[tuple[Fields, ...], Meta(max_length=MESSAGES_MAX)] = ()
    fault: Text = ""
    refused: Texts = ()
    printed: Texts = ()


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    return msgspec.msgpack.encode(message)
