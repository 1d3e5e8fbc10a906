"""A model that runs: pixels in, rows out. Lives inside the inference process only."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Final, Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gatehouse_edge.errors import ModelError
from gatehouse_edge.inference.boxes import Boxes, suppress, to_rows
from gatehouse_edge.inference.decoders import build_decoder
from gatehouse_edge.inference.letterbox import Letterbox
from gatehouse_edge.inference.manifest import InputSpec, Manifest, OutputSpec
from gatehouse_edge.inference.messages import MAX_CAMERAS
from gatehouse_edge.inference.motion import MotionDetector
from gatehouse_edge.inference.vetting import vet_model

_QUIET: Final = 3
ELAPSED_MOST_S: Final = 60.0


class Engine(Protocol):
    """What the inference process runs, from several threads at once; the frames of one camera one after another."""

    def rows(self, camera: int, pixels: NDArray[np.uint8], at: float) -> NDArray[np.int16]:
        """Detections in `pixels` `(h, w, 3)` uint8 BGR of one of MAX_CAMERAS cameras, as `boxes` writes them.

        `at`: media time of the frame in seconds, not a number where it is unknown.
        """
        ...


class OnnxEngine:
    """One onnxruntime session on the CPU that computes in the thread which calls it; every thread has buffers of its own.

    Several such threads beat one call that is spread over as many cores: ADR 0012.
    """

    def __init__(self, manifest: Manifest, data: bytes) -> None:
        """Vets `data` and loads it. Raises ModelError."""
        spec = manifest.input
        vet_model(data, manifest)
        assert spec is not None, "vetted"
        self._least = manifest.scores.low
        self._overlap = manifest.overlap
        self._decode = build_decoder(manifest)
        self._session = _open_session(manifest, data)
        self._buffers = _Buffers(self._session, spec, manifest.outputs)

    def rows(self, camera: int, pixels: NDArray[np.uint8], at: float) -> NDArray[np.int16]:  # noqa: ARG002 - the port's
        """Whole frames only; a camera leaves no trace in the next one's."""
        buffers = self._buffers
        fitted = buffers.letterbox.prepare(pixels)[1]
        self._session.run_with_iobinding(buffers.binding)
        found = suppress(self._decode(buffers.outputs, self._least), self._overlap)
        return to_rows(Boxes(fitted.to_frame(found.xyxy), found.labels, found.scores))


class _Buffers(threading.local):
    """A thread's letterbox and outputs, made at its first frame.

    The model reads and writes them in place: outputs of its own making cost a fortieth of a look. A model whose outputs are not
    of the sizes for which it was vetted is refused by onnxruntime at its first frame.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, spec: InputSpec, outputs: Sequence[OutputSpec]
    ) -> None:
        super().__init__()
        self.letterbox = Letterbox(spec)
        self.outputs = [np.zeros(output.shape, np.float32) for output in outputs]
        self.binding = session.io_binding()
        given = self.letterbox.tensor
        self.binding.bind_input(spec.name, "cpu", 0, np.float32, given.shape, given.ctypes.data)
        for output, made in zip(outputs, self.outputs, strict=True):
            self.binding.bind_output(
                output.name, "cpu", 0, np.float32, made.shape, made.ctypes.data
            )


class MotionEngine:
    """A background per camera; see `motion`. A camera's frames must come one after another, those of several at once."""

    def __init__(self, manifest: Manifest, interval_s: float) -> None:
        self._least = manifest.scores.low
        self._interval_s = interval_s
        self._cameras: dict[int, MotionDetector] = {}
        self._last_at: dict[int, float] = {}

    def rows(self, camera: int, pixels: NDArray[np.uint8], at: float) -> NDArray[np.int16]:
        """Moving things. A camera number beyond MAX_CAMERAS is a ValueError."""
        if not 0 <= camera < MAX_CAMERAS:
            raise ValueError(f"camera {camera} of at most {MAX_CAMERAS}")
        detector = self._cameras.setdefault(camera, MotionDetector(self._interval_s))
        found = detector.find(pixels, self._elapsed_s(camera, at))
        order = np.argsort(-found.scores, kind="stable")
        return to_rows(found.take(order[found.scores[order] >= self._least]))

    def _elapsed_s(self, camera: int, at: float) -> float:
        """Time since the camera's last frame, which may be long past: the gate and the scheduler leave frames out."""
        passed_s = at - self._last_at.get(camera, math.nan)
        self._last_at[camera] = at
        return min(passed_s, ELAPSED_MOST_S) if passed_s > 0 else self._interval_s


def build_engine(manifest: Manifest, data: bytes, interval_s: float) -> Engine:
    """The engine for a manifest. `data` is the model file, empty for the motion detector. Raises ModelError."""
    cv2.setNumThreads(1)  # the workers are the threads; OpenCV's own would only be in their way
    return OnnxEngine(manifest, data) if manifest.needs_file else MotionEngine(manifest, interval_s)


def _open_session(manifest: Manifest, data: bytes) -> onnxruntime.InferenceSession:
    # The module is compiled and tells its types to mypy only as Any, to pyright not at all.
    options = onnxruntime.SessionOptions()  # pyright: ignore[reportUnknownVariableType]
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _QUIET
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            data,
            options,  # pyright: ignore[reportUnknownArgumentType]
            providers=["CPUExecutionProvider"],
        )
    except Exception as error:
        raise ModelError(
            f"onnxruntime cannot load the file: {str(error)[:300]}",
            place=f"model {manifest.name}",
            remedy="Get the file that the manifest names",
        ) from error
