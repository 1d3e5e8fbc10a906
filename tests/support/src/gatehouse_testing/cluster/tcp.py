"""A way between two programs that a test can cut: a TCP proxy in a process of its own, since this kernel has no `netem`.

While it is cut nothing passes and nothing is refused, as in a network that drops packets; what was on its way goes on when it
heals.
"""

import asyncio
import contextlib
import multiprocessing
from collections.abc import Generator
from multiprocessing.synchronize import Event
from typing import Final

from gatehouse_testing.ports import free_port, is_answering
from gatehouse_testing.waiting import wait_until

CHUNK_BYTES: Final = 65_536
LOOK_S: Final = 0.05
START_S: Final = 90.0
_CONTEXT: Final = multiprocessing.get_context("forkserver")


class Way:
    """A cuttable way: connect to `port`. Whole at first."""

    def __init__(self, port: int, whole: Event) -> None:
        self.port, self._whole = port, whole

    def cut(self) -> None:
        """From now on nothing passes."""
        self._whole.clear()

    def heal(self) -> None:
        """Everything passes again, what waited first."""
        self._whole.set()


@contextlib.contextmanager
def way_to(port: int) -> Generator[Way]:
    """A way to a port of this machine, for the length of a block."""
    here, whole = free_port(), _CONTEXT.Event()
    whole.set()
    process = _CONTEXT.Process(target=_carry, args=(here, port, whole), daemon=True)
    process.start()
    try:
        wait_until(lambda: is_answering(here), START_S, what="the way is open")
        yield Way(here, whole)
    finally:
        process.kill()
        process.join()


def _carry(here: int, there: int, whole: Event) -> None:
    asyncio.run(_serve(here, there, whole))


async def _serve(here: int, there: int, whole: Event) -> None:
    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_whole(whole)
        try:
            out_reader, out_writer = await asyncio.open_connection("127.0.0.1", there)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, out_writer, whole), _pump(out_reader, writer, whole))

    server = await asyncio.start_server(on_connect, "127.0.0.1", here)
    async with server:
        await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, whole: Event) -> None:
    """One direction; the end of it ends the connection."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            await _until_whole(whole)
            writer.write(data)
            await writer.drain()
    await _until_whole(whole)
    writer.transport.abort()


async def _until_whole(whole: Event) -> None:
    while not whole.is_set():  # noqa: ASYNC110 - the event is another process's
        await asyncio.sleep(LOOK_S)
