"""Contact sheets."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.data.worlds import pictures, scenes, streams


def pixels(page) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(page.data)).convert("RGB")).astype(int)


def plain(*color: int) -> np.ndarray:
    return np.full((16, 16, 3), color, np.uint8)


def test_a_sheet_holds_all_pictures_and_leaves_short_rows_white():
    page = pixels(pictures.sheet({"red": [plain(255, 0, 0)] * 2, "blue": [plain(0, 0, 255)]}))
    red, blue = ((np.abs(page - color) < 40).all(2).sum() for color in ((255, 0, 0), (0, 0, 255)))
    assert red > 1000
    assert blue == pytest.approx(red / 2, rel=0.1)


@pytest.mark.parametrize("rows", [{}, {"empty": []}])
def test_a_sheet_without_pictures_is_refused(rows):
    with pytest.raises(InputError, match="at least one picture"):
        pictures.sheet(rows)


def test_a_page_of_names_holds_every_picture():
    colors = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    page = pixels(pictures.named({name: plain(*color) for name, color in colors.items()}, columns=2))
    for color in colors.values():
        assert (np.abs(page - color) < 40).all(2).sum() > 1000


def test_scenes_under_their_boxes():
    classes = list(scenes.DOMAINS["room"])[:3]
    scene = scenes.draw("room", classes, 0, size=48)
    page = pixels(pictures.annotated([(scene, classes)], columns=1))
    assert page.shape[0] == pytest.approx(page.shape[1], rel=0.05)
    assert len(np.unique(page.reshape(-1, 3), axis=0)) > 100


def test_a_frame_beside_its_labels():
    frame = streams.Stream(size=(24, 32)).frame(0)
    both = pictures.labelled(frame)
    assert both.shape == (24, 64, 3)
    assert (both[:, :32] == frame.image.transpose(1, 2, 0)).all()
    black = (both[:, 32:] == 0).all(2)
    assert (black == (frame.labels == 0)).all()


def test_an_animation_moves():
    movie = Image.open(BytesIO(pictures.animation(streams.Stream("ego", size=(16, 24)), 0, 3).data))
    assert movie.format == "GIF"
    assert movie.n_frames == 3
