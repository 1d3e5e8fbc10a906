"""Where model files are: found, fetched and verified. Never trusted by name, only by size and sha256.

Looked for in this order: the folders given, the catalogue's own folder, `$GATEHOUSE_ASSETS/models`, the user's
cache (`$XDG_CACHE_HOME/gatehouse/models`, else `~/.cache/gatehouse/models`). Fetching writes into the cache, to
a file of another name that is renamed when it is whole and right. Bounds: never reads or fetches more bytes
than the manifest says.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.catalogue import (
    catalogue_folder,
    find_manifest,
    load_known,
    user_cache,
)
from gatehouse_edge.inference.manifest import Manifest, ModelFile

Progress = Callable[[int, int], None]
"""Called with bytes so far and bytes in all."""

_CHUNK_BYTES = 1 << 16
_REPLY_S = 30.0


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of `model list`. `path` is None when no right file is on this machine and the model needs one."""

    manifest: Manifest
    path: Path | None

    @property
    def ready(self) -> bool:
        """Whether the model can be run now."""
        return self.path is not None or not self.manifest.needs_file


def search_folders(extra: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """Folders in the order in which they are looked at."""
    assets = os.environ.get("GATEHOUSE_ASSETS")
    served = (Path(assets) / "models",) if assets else ()
    own = catalogue_folder()
    return (*extra, *((own,) if own else ()), *served, user_cache())


def list_models(extra: tuple[Path, ...] = ()) -> tuple[ModelStatus, ...]:
    """Every model of the catalogue and of the user's cache, and where its file is."""
    return tuple(ModelStatus(m, locate_file(m, extra)) for m in load_known())


def locate_file(manifest: Manifest, extra: tuple[Path, ...] = ()) -> Path | None:
    """The first file with an accepted name, size and hash; None when there is none or the model needs none."""
    found = locate_accepted(manifest, extra)
    return found[0] if found else None


def locate_accepted(
    manifest: Manifest, extra: tuple[Path, ...] = ()
) -> tuple[Path, ModelFile] | None:
    """As `locate_file`, with the entry of the manifest that the file is."""
    for folder in search_folders(extra):
        for accepted in manifest.files:
            path = folder / accepted.file
            if matches(path, accepted):
                return path, accepted
    return None


def matches(path: Path, accepted: ModelFile) -> bool:
    """Whether `path` is exactly the accepted file. False when it cannot be read."""
    try:
        if path.stat().st_size != accepted.size_bytes:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == accepted.sha256
    except OSError:
        return False


def find_accepted(
    manifest: Manifest, extra: tuple[Path, ...] = ()
) -> tuple[Path, ModelFile] | None:
    """As `locate_accepted`, but a model that needs a file and has none is an error that says how to bring it."""
    found = locate_accepted(manifest, extra)
    if found is None and manifest.needs_file:
        raise ModelError(
            "its file is not on this machine",
            place=f"model {manifest.name}",
            remedy=f"Run `gatehouse-edge model pull {manifest.name}`, or {_by_hand(manifest)}",
        )
    return found


def find_file(manifest: Manifest, extra: tuple[Path, ...] = ()) -> Path | None:
    """The path that `find_accepted` gives; None for a model without weights."""
    found = find_accepted(manifest, extra)
    return found[0] if found else None


def verify_model(name: str, extra: tuple[Path, ...] = ()) -> Path | None:
    """The verified file of a model of the catalogue (None for one without weights). Raises ModelError.

    A file of the right name and other content is named in the error, so that a bad download is not taken for a
    missing one.
    """
    manifest = find_manifest(name)
    path = locate_file(manifest, extra)
    if path is not None or not manifest.needs_file:
        return path
    names = {accepted.file for accepted in manifest.files}
    wrong = [f / n for f in search_folders(extra) for n in sorted(names) if (f / n).is_file()]
    if wrong:
        raise ModelError(
            f"{wrong[0]} is none of the accepted files (size or sha256 differs)",
            place=f"model {name}",
            remedy=f"Remove it and run `gatehouse-edge model pull {name}`, or {_by_hand(manifest)}",
        )
    return find_file(manifest, extra)


def pull_model(name: str, progress: Progress | None = None) -> Path | None:
    """Fetches a model into the user's cache unless it is on this machine already. Gives its path (None for one
    without weights).

    Raises ModelError when it has no address, cannot be reached, or what came is not what the catalogue says;
    then nothing is left behind.
    """
    manifest = find_manifest(name)
    path = locate_file(manifest)
    if path is not None or not manifest.needs_file:
        return path
    offered = [accepted for accepted in manifest.files if accepted.url is not None]
    if not offered:
        raise ModelError(
            "the catalogue knows no address to fetch it from",
            place=f"model {name}",
            remedy=_sentence(_by_hand(manifest)),
        )
    return fetch_file(manifest, offered[0], user_cache(), progress)


def fetch_file(
    manifest: Manifest, wanted: ModelFile, folder: Path, progress: Progress | None = None
) -> Path:
    """Fetches one accepted file into `folder`. Whole, right and in place at once, or not at all."""
    place = f"model {manifest.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".pull-", delete=False) as part:
            target = Path(part.name)
            try:
                digest = _copy(wanted, part.write, progress)
                part.flush()
                os.fsync(part.fileno())
                if digest != wanted.sha256:
                    raise ModelError(
                        f"what {wanted.url} gave has sha256 {digest}, not {wanted.sha256}",
                        place=place,
                        remedy=f"Nothing was kept. {_sentence(_by_hand(manifest))}",
                    )
                target.chmod(0o644)
                return target.rename(folder / wanted.file)
            finally:
                target.unlink(missing_ok=True)
    except (OSError, urllib.error.URLError) as error:
        raise ModelError(
            f"cannot be fetched from {wanted.url}: {error}",
            place=place,
            remedy=_sentence(_by_hand(manifest)),
        ) from error


def _copy(wanted: ModelFile, write: Callable[[bytes], int], progress: Progress | None) -> str:
    """Copies exactly `size_bytes` and gives their sha256. Raises OSError when there are fewer or more."""
    digest, done = hashlib.sha256(), 0
    # The manifest admits https addresses only.
    with urllib.request.urlopen(wanted.url or "", timeout=_REPLY_S) as answer:  # noqa: S310
        while done <= wanted.size_bytes:
            chunk = answer.read(min(_CHUNK_BYTES, wanted.size_bytes - done + 1))
            if not chunk:
                break
            digest.update(chunk)
            write(chunk)
            done += len(chunk)
            if progress is not None:
                progress(min(done, wanted.size_bytes), wanted.size_bytes)
    if done != wanted.size_bytes:
        raise OSError(f"the file is not {wanted.size_bytes} bytes long")
    return digest.hexdigest()


def _by_hand(manifest: Manifest) -> str:
    """How to serve a machine without internet."""
    names = " or ".join(sorted({f.file for f in manifest.files}))
    hashes = " or ".join(f.sha256 for f in manifest.files)
    return f"put {names} (sha256 {hashes}) into {user_cache()} by hand; it comes from: {manifest.origin}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
