"""Starts an outside runtime: `python -m gatehouse_edge.inference.launcher BYTES FD FD ... -- COMMAND ...`. Becomes that program.

First it gives up what no inference process needs (see `rights`), for good: the program cannot take it back. Then it looks at the
greeting that waits on the control socket, without taking it, and vets the model: by hash, and an ONNX file as thoroughly as the
box's own child does. What is refused is answered here, and the program never runs. The copy that it was given is sealed, so the
program reads what was vetted.
"""

from __future__ import annotations

import array
import hashlib
import os
import socket
import sys
from typing import Final

import msgspec

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.manifest import MAX_MODEL_BYTES, Manifest
from gatehouse_edge.inference.messages import MAX_MESSAGE_BYTES, Hello, Ready
from gatehouse_edge.inference.rights import give_up_rights
from gatehouse_edge.inference.vetting import vet_declared, vet_hash, vet_model

_ONNX: Final = ".onnx"


def launch(memory_bytes: int, numbers: list[int], command: list[str]) -> int:
    """Vets what waits and becomes `command`. Returns only when that cannot be, after telling the agent why."""
    give_up_rights(memory_bytes)
    control = socket.socket(fileno=numbers[0])
    message, fds = peek(control)
    if not message:
        return 0
    try:
        vet(msgspec.msgpack.decode(message, type=Hello).manifest, fds)
        for fd in fds:
            os.close(fd)
        os.execvp(command[0], [*command, *map(str, (memory_bytes, *numbers))])  # noqa: S606 - no shell is wanted
    except ModelError as error:
        refusal = Ready(error.message[:2000], error.place[:200], error.remedy[:2000])
    except OSError as error:
        refusal = Ready(f"{command[0][:500]} cannot be started: {error.strerror}", "runtime")
    control.recv(MAX_MESSAGE_BYTES)  # a socket that closes with words unread takes the answer back
    control.send(msgspec.msgpack.encode(refusal))
    return 1


def peek(control: socket.socket) -> tuple[bytes, list[int]]:
    """The next message, which stays there, with descriptors of its own; `socket.recv_fds` leaves its flags out."""
    found = array.array("i")
    message, extra, _, _ = control.recvmsg(
        MAX_MESSAGE_BYTES, socket.CMSG_SPACE(found.itemsize), socket.MSG_PEEK
    )
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return message, found.tolist()


def vet(manifest: Manifest, fds: list[int]) -> None:
    """Refuses a model that is not what the manifest says. Raises ModelError. The descriptors' positions stay where they are."""
    if not (manifest.needs_file and fds):
        raise ModelError(
            "an outside runtime needs a model with a file",
            place=f"model {manifest.name}",
            remedy="Leave `runtime` out for this camera",
        )
    data = _read(fds[0])
    vet_hash(data, manifest)
    digest = hashlib.sha256(data).hexdigest()
    if any(f.file.endswith(_ONNX) for f in manifest.files if f.sha256 == digest):
        vet_model(data, manifest)
    else:
        vet_declared(manifest)


def _read(fd: int) -> bytes:
    """All of it, and one byte more than is allowed for the gate to see."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_MODEL_BYTES and (part := os.pread(fd, 1 << 24, size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def run(argv: list[str]) -> int:
    """Arguments: the memory limit in bytes, descriptors, then the program and its own arguments."""
    split = argv.index("--")
    memory_bytes, *numbers = map(int, argv[:split])
    return launch(memory_bytes, numbers, argv[split + 1 :])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
