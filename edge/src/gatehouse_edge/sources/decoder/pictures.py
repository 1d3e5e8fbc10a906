"""Sequences of single pictures: colour stills, and radiometric data as degrees Celsius."""

from __future__ import annotations

import glob
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_edge.sources.decoder.reader import Pixels
from gatehouse_edge.sources.failures import FailReason, SourceFailedError
from gatehouse_edge.sources.messages import MAX_PIXELS
from gatehouse_edge.sources.spec import SourceSpec

STILL_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
DEEP_SUFFIXES = frozenset({".png", ".tif", ".tiff"})
MAX_PICTURES = 100_000
MAX_STACK_BYTES = 1 << 30
DEFAULT_FPS = 1.0


def unreadable(detail: str) -> SourceFailedError:
    """The usual complaint of this module."""
    return SourceFailedError(FailReason.UNREADABLE, detail)


class PictureReader:
    """Pictures loaded one at a time by number, each held for `hold_s` seconds (at least one frame)."""

    device, passed = False, 0

    def __init__(
        self, load: Callable[[int], Pixels], count: int, spec: SourceSpec, *, thermal: bool
    ) -> None:
        self.thermal, self.native_fps = thermal, spec.native_fps or DEFAULT_FPS
        self._load, self._repeats = load, max(1, round(spec.hold_s * self.native_fps))
        self.pictures = count * self._repeats
        self._index, self._loaded = -1, (-1, load(0))
        height, width = self._loaded[1].shape[:2]
        self.size = (height, width)

    def grab(self) -> float | None:
        """Only counts; nothing is read before it is wanted."""
        if self._index + 1 >= self.pictures:
            return None
        self._index += 1
        return self._index / self.native_fps

    def picture(self, out: Pixels | None) -> Pixels:
        """The present picture; `out` is not used, since it has to be read from a file anyway."""
        del out
        number = self._index // self._repeats
        if self._loaded[0] != number:
            self._loaded = (number, self._load(number))
        pixels = self._loaded[1]
        self.size = (pixels.shape[0], pixels.shape[1])
        return pixels

    def rewind(self) -> None:
        """Back to the first picture."""
        self._index = -1

    def close(self) -> None:
        """Holds nothing open."""


def open_stills(target: str, spec: SourceSpec) -> PictureReader:
    """The pictures of a folder or pattern, by name."""
    files = _listed(target, STILL_SUFFIXES)

    def load(number: int) -> Pixels:
        image = cv2.imread(str(files[number]), cv2.IMREAD_COLOR)
        if image is None:
            raise unreadable(f"{files[number]} is not a picture that can be read")
        return image.astype(np.uint8, copy=False)

    return PictureReader(load, len(files), spec, thermal=False)


def open_radiometric(target: str, spec: SourceSpec) -> PictureReader:
    """A stack in a .npz or .npy file, or 16-bit PNG or TIFF pictures of a folder or pattern, in degrees Celsius."""
    if Path(target).suffix.lower() in {".npz", ".npy"}:
        stack = _stack(Path(target), spec.array)
        return PictureReader(lambda n: celsius(stack[n], spec), len(stack), spec, thermal=True)
    files = _listed(target, DEEP_SUFFIXES)

    def load(number: int) -> Pixels:
        image = cv2.imread(str(files[number]), cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype != np.uint16 or image.ndim != 2:
            raise unreadable(f"{files[number]} is not a 16-bit picture with one channel")
        return celsius(image, spec)

    return PictureReader(load, len(files), spec, thermal=True)


def celsius(raw: NDArray[np.generic], spec: SourceSpec) -> NDArray[np.float32]:
    """Degrees Celsius of one raw picture.

    Floating numbers are degrees already unless a scale is given. Whole numbers mean nothing without one: centikelvin is
    0.01 and -273.15; raw counts of an uncalibrated sensor have no absolute scale, and we do not guess one: marked as such they
    become kelvin from an unknown zero.
    """
    if spec.uncalibrated and spec.scale_c is not None:
        return (raw.astype(np.float64) * spec.scale_c).astype(np.float32)
    if spec.scale_c is None or spec.offset_c is None:
        if raw.dtype.kind != "f":
            raise SourceFailedError(
                FailReason.CONFIGURATION,
                f"{raw.dtype} numbers are not degrees; set scale_c and offset_c "
                "(centikelvin: 0.01 and -273.15), or scale_c and uncalibrated for raw counts",
            )
        return raw.astype(np.float32)
    return (raw.astype(np.float64) * spec.scale_c + spec.offset_c).astype(np.float32)


def _listed(target: str, suffixes: frozenset[str]) -> list[Path]:
    """Files of a folder or pattern, in the order of their names."""
    folder = Path(target)
    found = folder.iterdir() if folder.is_dir() else (Path(p) for p in glob.glob(target))  # noqa: PTH207 - patterns may be absolute
    files = sorted(p for p in found if p.is_file() and p.suffix.lower() in suffixes)
    if not files:
        raise unreadable(f"no pictures at {target}")
    if len(files) > MAX_PICTURES:
        raise unreadable(f"{len(files)} pictures at {target}, more than {MAX_PICTURES}")
    return files


def _stack(path: Path, name: str) -> NDArray[np.generic]:
    """The pictures of a file as `(n, h, w)`. Never unpickles."""
    if not path.is_file():
        raise unreadable(f"there is no file {path}")
    try:
        found = _from_npz(path, name) if path.suffix.lower() == ".npz" else _from_npy(path)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
        raise unreadable(f"{path} is not a NumPy file of plain numbers") from None
    stack = found[np.newaxis] if found.ndim == 2 else found
    if stack.ndim != 3 or stack.dtype.kind not in "fiu" or 0 in stack.shape:
        raise unreadable(f"{path} holds no pictures of shape (h, w) or (n, h, w)")
    if stack.shape[1] * stack.shape[2] > MAX_PIXELS or len(stack) > MAX_PICTURES:
        raise unreadable(f"{path} holds too many numbers: {stack.shape}")
    return stack


def _from_npy(path: Path) -> NDArray[np.generic]:
    stack: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    return stack


def _from_npz(path: Path, name: str) -> NDArray[np.generic]:
    """One array of an archive: `name`, else `celsius`, else the only one that holds pictures."""
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_STACK_BYTES:
            raise unreadable(f"{path} unpacks to more than {MAX_STACK_BYTES >> 20} MiB")
    with np.load(path, allow_pickle=False) as arrays:
        wanted = name or ("celsius" if "celsius" in arrays.files else "")
        if wanted:
            if wanted not in arrays.files:
                raise unreadable(
                    f"{path} has no array '{wanted}', only {sorted(arrays.files)[:16]}"
                )
            return np.asarray(arrays[wanted])
        pictures = [a for a in (arrays[k] for k in arrays.files) if a.ndim in {2, 3}]
        if len(pictures) != 1:
            raise unreadable(
                f"{path} holds {len(pictures)} arrays of pictures; name one in `array`"
            )
        return np.asarray(pictures[0])
