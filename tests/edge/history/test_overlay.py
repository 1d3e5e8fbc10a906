"""`./dev overlay`: pictures of the right number and size, with what the agent makes of them drawn on top."""

import cv2
import numpy as np
import pytest

from gatehouse_testing.dev.overlay import LEAST_WIDTH, main
from gatehouse_testing.gateway_files import write_gateway

SIZE = (160, 120)


@pytest.fixture
def recording(tmp_path):
    """A bright block that walks through a grey picture for eight seconds."""
    folder = tmp_path / "stills"
    folder.mkdir()
    for index in range(40):
        picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        cv2.rectangle(picture, (3 * index, 40), (3 * index + 16, 100), (200, 200, 200), -1)
        cv2.imwrite(str(folder / f"{index:03}.png"), picture)
    return folder


def _options(tmp_path, recording, out, every):
    config = write_gateway(tmp_path, 1, {"source": f"stills:{recording}", "model": "motion"})
    return [
        f"stills:{recording}",
        *("--config", str(config), "--device", "cam_1", "--out", str(out)),
        *("--fps", "5", "--every", str(every)),
    ]


def test_every_nth_frame_becomes_a_picture_with_boxes_on_it(tmp_path, recording):
    out = tmp_path / "drawn"
    assert main(_options(tmp_path, recording, out, 4)) == 0
    written = sorted(out.glob("*.png"))
    assert [path.stem for path in written] == [f"{n:06}" for n in range(0, 40, 4)]
    drawn = [cv2.imread(str(path)) for path in written]
    assert {picture.shape[1] for picture in drawn} == {LEAST_WIDTH}
    assert {picture.shape[0] for picture in drawn} == {LEAST_WIDTH * SIZE[1] // SIZE[0]}
    assert _greenest(drawn[-2]) > _greenest(drawn[0]) + 20


def test_a_name_that_ends_in_mp4_becomes_a_film(tmp_path, recording):
    out = tmp_path / "drawn.mp4"
    assert main(_options(tmp_path, recording, out, 2)) == 0
    film = cv2.VideoCapture(str(out))
    assert int(film.get(cv2.CAP_PROP_FRAME_COUNT)) == 20
    assert int(film.get(cv2.CAP_PROP_FRAME_WIDTH)) == LEAST_WIDTH
    film.release()


def _greenest(picture):
    """Pixels in the colour of a box round something that is seen."""
    blue, green, red = (picture[:, :, n].astype(int) for n in range(3))
    return int(((green > 180) & (blue < 130) & (red < 130)).sum())
