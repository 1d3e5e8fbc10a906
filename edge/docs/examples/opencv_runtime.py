"""An inference runtime of somebody else's: YOLOX models on OpenCV's dnn module instead of onnxruntime.

    inference:
      runtimes:
        opencv: {command: [/usr/bin/python3, /opt/runtimes/opencv_runtime.py]}
    cameras:
      cam_1: {source: rtsp://192.168.10.21/stream1, model: yolox_nano, runtime: opencv}

It imports nothing of Gatehouse. Its last arguments are a memory limit, the descriptor of the control socket, and one of a
socket for each lane; edge/docs/runtimes.md describes what goes through them. It needs msgspec (or any other MessagePack),
NumPy and OpenCV. For another library replace `Model`; the rest may stay as it is.
"""

import mmap
import os
import socket
import struct
import sys
import threading

import cv2
import msgspec
import numpy as np

LABELS = (
    *("person", "bicycle", "motorcycle", "car", "bus", "truck"),
    *("boat", "animal", "object", "flame", "smoke"),
)
MESSAGE_BYTES = 64 * 1024
MOST_ROWS = 512
LOOK = struct.Struct("<cIHHIIQdHHHH")
SHARE = struct.Struct("<cH")
NUMBER = struct.Struct("<I")


class RefusedError(Exception):
    """A model that cannot be run here."""


class Model:
    """A YOLOX network. Each lane has one of its own, since OpenCV's are not for several threads."""

    def __init__(self, manifest: dict, file: bytes) -> None:
        spec = manifest["input"]
        if manifest["decoder"] != "yolox" or spec.get("fit", "letterbox") != "letterbox":
            raise RefusedError("this runtime knows the decoder yolox only, with fit: letterbox")
        self.net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
        self.wide, self.high, self.pad = spec["width"], spec["height"], spec.get("pad", 114)
        self.mean, self.std = spec.get("mean", (0, 0, 0)), spec.get("std", (1, 1, 1))
        self.scale, self.swap = spec.get("scale", 1.0), spec.get("order", "bgr") == "rgb"
        self.least, self.overlap = manifest["scores"]["low"], manifest.get("overlap", 0.6)
        self.labels = np.full(manifest["class_count"], -1)
        for index, label in manifest["classes"].items():
            self.labels[int(index)] = LABELS.index(label)
        self.cells, self.steps = self._grid(manifest["strides"])
        self.find(np.zeros((self.high, self.wide, 3), np.uint8))  # what fails, fails now

    def _grid(self, strides: list[int]) -> tuple[np.ndarray, np.ndarray]:
        cells, steps = [], []
        for stride in strides:
            ys, xs = np.mgrid[0 : -(-self.high // stride), 0 : -(-self.wide // stride)]
            cells.append(np.stack((xs.ravel(), ys.ravel()), axis=1))
            steps.append(np.full((xs.size, 1), stride))
        return np.concatenate(cells), np.concatenate(steps)

    def find(self, pixels: np.ndarray) -> np.ndarray:
        """Rows `(n, 6)` int16 for pixels `(h, w, 3)` uint8 BGR: x1 y1 x2 y2 in quarter pixels, label, score in thousandths."""
        high, wide = pixels.shape[:2]
        ratio = min(self.wide / wide, self.high / high)
        size = max(1, round(wide * ratio)), max(1, round(high * ratio))
        picture = np.full((self.high, self.wide, 3), self.pad, np.float32)
        picture[: size[1], : size[0]] = cv2.resize(pixels, size)
        if self.swap:
            picture = picture[:, :, ::-1]
        tensor = (picture * self.scale - np.float32(self.mean)) / np.float32(self.std)
        self.net.setInput(np.ascontiguousarray(tensor.transpose(2, 0, 1)[None], np.float32))
        raw = self.net.forward()[0]
        classes = raw[:, 5:].argmax(axis=1)
        scores = np.minimum(raw[:, 4] * raw[np.arange(len(raw)), 5 + classes], 1.0)
        labels = self.labels[classes]
        good = np.flatnonzero((scores >= self.least) & (labels >= 0))
        centre = (raw[good, :2] + self.cells[good]) * self.steps[good]
        half = np.exp(np.minimum(raw[good, 2:4], 10)) * self.steps[good] / 2
        boxes = np.concatenate((centre - half, centre + half), axis=1) / ratio
        boxes = np.clip(boxes, 0, (wide, high, wide, high))
        kept = self._apart(boxes, labels[good], scores[good])
        rows = (boxes[kept] * 4, labels[good][kept, None], scores[good][kept, None] * 1000)
        return np.rint(np.concatenate(rows, axis=1)).astype("<i2")

    def _apart(self, boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Best first, without those that overlap a better one of their label."""
        corner_and_size = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
        kept: list[int] = []
        for label in np.unique(labels):
            of = np.flatnonzero(labels == label)
            found = cv2.dnn.NMSBoxes(
                corner_and_size[of].tolist(), scores[of].tolist(), 0.0, self.overlap
            )
            kept += of[np.array(found, np.intp).ravel()].tolist()
        order = sorted(kept, key=lambda row: -scores[row])
        return np.array(order[:MOST_ROWS], np.intp)


class Memory:
    """The agent's memory that is mapped here, by the number of its segment."""

    def __init__(self) -> None:
        self._files: dict[int, int] = {}
        self._turn = threading.Lock()

    def change(self, segment: int, fd: int | None) -> None:
        """Take what was shared as `segment`, or let go of it."""
        with self._turn:
            old = self._files.pop(segment, None)
            if old is not None:
                os.close(old)
            if fd is not None:
                self._files[segment] = fd

    def pixels(self, segment: int, height: int, width: int, offset: int) -> np.ndarray:
        """A frame `(h, w, 3)`; reaching beyond the memory is a ValueError. It is mapped anew, as it may have grown."""
        with self._turn:
            known = mmap.mmap(self._files[segment], 0, prot=mmap.PROT_READ)
        flat = np.frombuffer(known, np.uint8, height * width * 3, offset)
        return flat.reshape(height, width, 3)


def answer(lane: socket.socket, model: Model, memory: Memory) -> None:
    """One lane: a look, its rows, and the next."""
    while message := lane.recv(MESSAGE_BYTES):
        kind, number, _, segment, height, width, offset, _, x, y, wide, high = LOOK.unpack(message)
        if kind != b"L" or not (0 < wide <= width - x and 0 < high <= height - y):
            raise ValueError("not a look at a part of a frame")
        frame = memory.pixels(segment, height, width, offset)
        rows = model.find(frame[y : y + high, x : x + wide])
        lane.send(NUMBER.pack(number) + rows.tobytes())


def end_with_it(work, *arguments) -> None:
    """What fails in a thread ends the whole process; the agent starts another."""
    try:
        work(*arguments)
    finally:
        os._exit(1)


def share(control: socket.socket, memory: Memory) -> None:
    """Memory comes and goes as the agent says. Its end of the socket closes when it wants us to end."""
    while True:
        message, fds, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 1)
        if not message:
            os._exit(0)
        kind, segment = SHARE.unpack(message)
        memory.change(segment, fds[0] if kind == b"A" else None)
        control.send(NUMBER.pack(segment))


def main(arguments: list[str]) -> int:
    """Says hello, then serves until the agent is gone."""
    _limit, control, *lanes = (int(word) for word in arguments)
    agent = socket.socket(fileno=control)
    cv2.setNumThreads(1)
    message, fds, _, _ = socket.recv_fds(agent, MESSAGE_BYTES, 1)
    manifest = msgspec.msgpack.decode(message)["manifest"]
    try:
        with os.fdopen(fds[0], "rb") as stream:
            file = stream.read()
        models = [Model(manifest, file) for _ in lanes]
    except (RefusedError, cv2.error, KeyError, ValueError) as error:
        agent.send(msgspec.msgpack.encode({"error": f"OpenCV: {str(error)[:500]}"}))
        return 1
    memory = Memory()
    for lane, model in zip(lanes, models, strict=True):
        ready = (answer, socket.socket(fileno=lane), model, memory)
        threading.Thread(target=end_with_it, args=ready, daemon=True).start()
    agent.send(msgspec.msgpack.encode({}))
    end_with_it(share, agent, memory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
