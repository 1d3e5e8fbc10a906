"""What a decoder of the system is to `piped`: how it is called, and how its pictures are told apart.

It reads Matroska on its standard input and writes raw BGR pictures on its standard output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatehouse_edge.sources.backends import Codec, Hardware
from gatehouse_edge.sources.failures import SourceFailedError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be decoded. `rate_fps`: pictures a second that will be looked at, None: all."""

    codec: Codec
    hardware: Hardware
    rate_fps: float | None


@dataclass(frozen=True, slots=True)
class Head:
    """A picture that is about to come: `at` seconds of the stream, None when the decoder does not say.

    `row_bytes`: bytes from one row to the next. `passed`: pictures that the decoder let go before this one.
    """

    height: int
    width: int
    row_bytes: int
    at: float | None
    passed: int = 0


class Pipes(Protocol):
    """The program's two outputs."""

    def line(self) -> str | None:
        """The next line of its standard error; None at the end."""
        ...

    def exactly(self, count: int) -> bytes | None:
        """So many bytes of its standard output; None when it ended before."""
        ...


class Program(Protocol):
    """One kind of decoder, for one stream."""

    name: str

    def command(self) -> Sequence[str]:
        """Program and arguments. Raises SourceFailedError for what it cannot do."""
        ...

    def head(self, pipes: Pipes) -> Head | None:
        """The next picture; None when there is none any more. Its bytes follow on the standard output."""
        ...

    def why(self, said: Sequence[str]) -> SourceFailedError | None:
        """What its last lines mean where they name a cause that a person can remove."""
        ...
