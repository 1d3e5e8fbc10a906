"""Who runs the models: onnxruntime in the box, or a program of somebody else's that speaks `messages`. See edge/docs/runtimes.md.

    own        the default: `child`, onnxruntime on the CPU
    command    `inference.runtimes` of the gateway's file: a program and its arguments
    package    an entry point of the group ENTRY_POINTS: a module that is run as `python -m MODULE`

Nothing of an outside runtime is imported here; it is hashed, started in a process of its own, and believed no more than its
rows allow.

Bounds: 16 in the file, PACKAGES_MAX packages, HASHED_MAX_BYTES of files of each.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatehouse_edge.errors import ConfigError

ENTRY_POINTS: Final = "gatehouse.inference"
PACKAGES_MAX: Final = 16
HASHED_MAX_BYTES: Final = 512 * 1024**2
MEMORY_MIB: Final = 2048
MEMORY_BYTES: Final = MEMORY_MIB * 1024**2
"""Address space of an inference process. A nano detector uses some 0.5 GiB of it and 0.1 GiB of memory."""
NAME_PATTERN: Final = r"^[a-z][a-z0-9_]{0,23}(?![\s\S])"


class RuntimeCommand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A program that runs models. `command`: program and arguments, no shell. `sha256`: what it must be, over all files that the
    command names. `memory_mib`: how much address space it may use; drivers of accelerators reserve far more than they use.
    """

    command: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...],
        Meta(min_length=1, max_length=32),
    ]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}(?![\s\S])")] | None = None
    memory_mib: Annotated[int, Meta(ge=64, le=1 << 20)] = MEMORY_MIB


@dataclass(frozen=True, slots=True)
class Runtime:
    """How an inference process is started. `command` empty: the box's own. `sha256`: of an outside runtime's files."""

    name: str
    command: tuple[str, ...] = ()
    sha256: str = ""
    memory_bytes: int = MEMORY_BYTES


OWN: Final = Runtime("onnxruntime")


def find_runtime(
    name: str | None, commands: Mapping[str, RuntimeCommand], place: str = ""
) -> Runtime:
    """The runtime of that name, hashed; None is the box's own. ConfigError when there is none, or it is not the agreed one."""
    if name is None or name == OWN.name:
        return OWN
    if name in commands:
        return _of_command(name, commands[name])
    packages = importlib.metadata.entry_points(group=ENTRY_POINTS)
    for entry in list(packages)[:PACKAGES_MAX]:
        if entry.name == name:
            return _of_package(entry)
    known = ", ".join((OWN.name, *commands, *(entry.name for entry in packages)))
    raise ConfigError(
        f"there is no runtime {name!r}",
        place=place,
        remedy=f"Use one of: {known}; or name its command under inference.runtimes",
    )


def _of_command(name: str, spec: RuntimeCommand) -> Runtime:
    place = f"inference.runtimes.{name}"
    program = which(spec.command[0])
    if program is None:
        raise ConfigError(
            f"there is no program {spec.command[0]}",
            place=f"{place}.command",
            remedy="Install it, or correct its path",
        )
    program = str(Path(program).absolute())  # it is started in another folder
    files = (Path(word) for word in (program, *spec.command[1:]))
    digest = hash_files((file for file in files if file.is_file()), place)
    if spec.sha256 not in (None, digest):
        raise ConfigError(
            f"its files have sha256 {digest}",
            place=f"{place}.sha256",
            remedy="Find out who changed them; if it was you, write the new sha256 here",
        )
    return Runtime(name, (program, *spec.command[1:]), digest, spec.memory_mib * 1024**2)


def _of_package(entry: importlib.metadata.EntryPoint) -> Runtime:
    """Of its files, hashed as they lie there: the module is never imported here."""
    listed = entry.dist.files if entry.dist is not None and entry.dist.files else ()
    paths = (Path(str(file.locate())) for file in listed if file.suffix != ".pyc")
    digest = hash_files((path for path in paths if path.is_file()), f"runtime {entry.name}")
    return Runtime(entry.name, (sys.executable, "-P", "-B", "-m", entry.module), digest)


def hash_files(paths: Iterable[Path], place: str) -> str:
    """One sha256 over the files in this order, by their hashes. ConfigError when one cannot be read or all are too large."""
    digest, room = hashlib.sha256(), HASHED_MAX_BYTES
    for path in paths:
        try:
            room -= path.stat().st_size
            if room < 0:
                raise ConfigError(
                    f"its files are larger than {HASHED_MAX_BYTES >> 20} MiB",
                    place=place,
                    remedy="Name a small program that loads the rest",
                )
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be read: {error.strerror}",
                place=place,
                remedy="Check the path and its rights",
            ) from None
    return digest.hexdigest()
