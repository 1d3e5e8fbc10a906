"""The vectorised decoders against slow ones that follow the papers cell by cell."""

from math import exp, tanh

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_edge.inference.boxes import LABELS
from gatehouse_edge.inference.decoder_shapes import expected_outputs
from gatehouse_edge.inference.decoders import build_decoder
from gatehouse_shared.names import Label
from gatehouse_testing.onnx_bytes import tiny_manifest

NANODET = tiny_manifest(
    decoder="nanodet",
    outputs=[
        *({"name": f"c{n}", "shape": [1, n, 3]} for n in (64, 16, 4)),
        *({"name": f"d{n}", "shape": [1, n, 32]} for n in (64, 16, 4)),
    ],
)
FASTESTDET = tiny_manifest(
    decoder="fastestdet", strides=[16], outputs=[{"name": "o", "shape": [1, 8, 4, 4]}]
)
YOLOX = tiny_manifest()
STRIDES = (8, 16, 32)
NAMES = {0: Label.PERSON, 1: Label.CAR}


def cells():
    for stride in STRIDES:
        for row in range(64 // stride):
            for column in range(64 // stride):
                yield stride, column, row


def slow_yolox(outputs, least):
    for raw, (stride, column, row) in zip(outputs[0][0], cells(), strict=True):
        best = max(range(3), key=lambda k: raw[5 + k])
        x, y = (raw[0] + column) * stride, (raw[1] + row) * stride
        w, h = exp(min(raw[2], 10)) * stride, exp(min(raw[3], 10)) * stride
        yield (x - w / 2, y - h / 2, x + w / 2, y + h / 2), best, raw[4] * raw[5 + best]


def slow_nanodet(outputs, least):
    scores = np.concatenate([o[0] for o in outputs[:3]])
    sides = np.concatenate([o[0] for o in outputs[3:]])
    for score, bins, (stride, column, row) in zip(scores, sides, cells(), strict=True):
        best = max(range(3), key=lambda k: score[k])
        reach = []
        for side in bins.reshape(4, 8):
            weights = [exp(v - max(side)) for v in side]
            reach.append(sum(k * w for k, w in enumerate(weights)) / sum(weights) * stride)
        x, y = (column + 0.5) * stride, (row + 0.5) * stride
        yield (x - reach[0], y - reach[1], x + reach[2], y + reach[3]), best, score[best]


def slow_fastestdet(outputs, least):
    for row in range(4):
        for column in range(4):
            raw = outputs[0][0, :, row, column]
            best = max(range(3), key=lambda k: raw[5 + k])
            x, y = (column + tanh(raw[1])) * 16, (row + tanh(raw[2])) * 16
            w, h = 64 / (1 + exp(-raw[3])), 64 / (1 + exp(-raw[4]))
            score = max(raw[0], 0) ** 0.6 * max(raw[5 + best], 0) ** 0.4
            yield (x - w / 2, y - h / 2, x + w / 2, y + h / 2), best, min(score, 1)


def random_outputs(manifest, seed):
    """Scores between 0 and 1 where scores stand, anything from -3 to 3 elsewhere."""
    random = np.random.default_rng(seed)
    outputs = [
        random.uniform(-3, 3, shape).astype(np.float32) for shape in expected_outputs(manifest)
    ]
    if manifest is YOLOX:
        outputs[0][..., 4:] = random.random(outputs[0][..., 4:].shape)
    elif manifest is NANODET:
        outputs[:3] = [random.random(o.shape).astype(np.float32) for o in outputs[:3]]
    else:
        outputs[0][:, [0, 5, 6, 7]] = random.random((1, 4, 4, 4))
    return outputs


@pytest.mark.parametrize(
    ("manifest", "slow"),
    [(YOLOX, slow_yolox), (NANODET, slow_nanodet), (FASTESTDET, slow_fastestdet)],
    ids=["yolox", "nanodet", "fastestdet"],
)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), least=st.floats(0.05, 0.95))
def test_the_quick_decoder_says_what_the_slow_one_says(manifest, slow, seed, least):
    outputs = random_outputs(manifest, seed)
    expected = [(b, k, s) for b, k, s in slow(outputs, least) if s >= least + 1e-5 and k in NAMES]
    found = build_decoder(manifest)(outputs, least)
    sure = found.scores >= least + 1e-5
    assert int(sure.sum()) == len(expected)
    for box, label, score, (want, kind, sure_of) in zip(
        found.xyxy[sure], found.labels[sure], found.scores[sure], expected, strict=True
    ):
        assert box == pytest.approx(want, abs=1e-2, rel=1e-4)
        assert LABELS[label] is NAMES[kind]
        assert score == pytest.approx(sure_of, abs=1e-4)


@pytest.mark.parametrize(
    "manifest", [YOLOX, NANODET, FASTESTDET], ids=["yolox", "nanodet", "fastestdet"]
)
def test_a_picture_without_anything_gives_nothing(manifest):
    nothing = [np.zeros_like(o) for o in random_outputs(manifest, 1)]
    assert len(build_decoder(manifest)(nothing, 0.5).scores) == 0


def test_a_class_that_is_not_mapped_is_dropped_and_not_renamed():
    raw = np.zeros((1, 84, 8), np.float32)
    raw[0, 5, 4:] = (1.0, 0.8, 0.7, 0.9)  # person 0.8, car 0.7, a suitcase 0.9
    assert len(build_decoder(YOLOX)([raw], 0.1).scores) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_are_none_never_become_boxes_or_errors(bad):
    raw = np.full((1, 84, 8), 0.9, np.float32)
    raw[0, :, 0] = bad
    found = build_decoder(YOLOX)([raw], 0.1)
    assert np.isfinite(found.xyxy).all()


def test_a_model_that_cries_everywhere_with_huge_boxes_stays_finite():
    raw = np.full((1, 84, 8), 80.0, np.float32)
    found = build_decoder(YOLOX)([raw], 0.1)
    assert np.isfinite(found.xyxy).all()
    assert found.scores.max() <= 1.0


def test_the_motion_detector_has_nothing_to_decode():
    manifest = tiny_manifest(
        decoder="motion", files=[], outputs=[], input=None, strides=[], classes={}
    )
    assert expected_outputs(manifest) == ()
    with pytest.raises(ValueError, match="no input"):
        build_decoder(manifest)
