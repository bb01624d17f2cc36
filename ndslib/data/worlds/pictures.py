"""Contact sheets of the worlds: many small pictures on one page, with boxes, masks or labels over them.

Pages are JPEGs: as PNG they would make a notebook five times as large.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ndslib.core.errors import InputError
from ndslib.data.worlds.scenes import SceneImage
from ndslib.data.worlds.streams import Frame, Stream


def sheet(rows: Mapping[str, Sequence[np.ndarray]], title: str = "", width: float = 9.0) -> Image:
    """Rows of pictures, each row under its name on the left.

    Args:
        rows: name to pictures uint8 [H, W, 3], all of one size.
        width: of the figure, in inches.

    Raises:
        InputError: no rows, or an empty one.
    """
    if not rows or not all(len(pictures) for pictures in rows.values()):
        raise InputError("a contact sheet needs at least one picture in each row")
    across = max(len(pictures) for pictures in rows.values())
    strips = [_strip(pictures, across) for pictures in rows.values()]
    height = strips[0].shape[0]
    mosaic = np.concatenate(strips)
    figure, axes = plt.subplots(
        figsize=(width, width * 0.88 * len(mosaic) / mosaic.shape[1] + 0.3), layout="constrained"
    )
    axes.imshow(mosaic, interpolation="nearest")
    axes.set_yticks(height * (np.arange(len(rows)) + 0.5), list(rows), fontsize=8)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.suptitle(title)
    return _page(figure)


def named(pictures: Mapping[str, np.ndarray], columns: int, title: str = "") -> Image:
    """One picture uint8 [S, S, 3] a name, the name below it: the whole catalogue on a page."""
    names, side = list(pictures), next(iter(pictures.values())).shape[0]
    below = round(0.28 * side)
    rows = -(-len(names) // columns)
    page = np.full((rows * (side + below), columns * side, 3), 255, np.uint8)
    figure, axes = plt.subplots(figsize=(9.5, 9.5 * page.shape[0] / page.shape[1] + 0.3), layout="constrained")
    for place, name in enumerate(names):
        y, x = place // columns * (side + below), place % columns * side
        page[y : y + side, x : x + side] = pictures[name]
        axes.text(x + side / 2, y + side + below / 2, name.replace("_", " "), ha="center", va="center", fontsize=4.6)
    axes.imshow(page, interpolation="nearest")
    axes.set_axis_off()
    figure.suptitle(title)
    return _page(figure)


def annotated(scenes: Sequence[tuple[SceneImage, Sequence[str]]], columns: int = 4) -> Image:
    """Scenes, each with the classes that its labels count, under their boxes, class names and tinted instance masks."""
    rows = -(-len(scenes) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(9.5, 9.5 * rows / columns), squeeze=False, layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (scene, classes) in zip(grid.flat, scenes, strict=False):
        axes.imshow(_tinted(scene.image, scene.masks), interpolation="nearest")
        for number, (box, label) in enumerate(zip(scene.boxes, scene.labels, strict=True)):
            x0, y0, x1, y1 = box
            axes.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, color=_color(number), lw=1))
            name = classes[label].replace("_", " ")
            axes.text(x0, y0 - 1, name, fontsize=6, color="white", backgroundcolor=(*_color(number)[:3], 0.7))
    return _page(figure)


def labelled(frame: Frame) -> np.ndarray:
    """A frame beside its label map: uint8 [H, 2 W, 3]; a colour a class, background black."""
    colours = np.array([(0, 0, 0), *(plt.get_cmap("tab20")(k % 20)[:3] for k in range(255))])
    return np.concatenate([frame.image.transpose(1, 2, 0), (colours[frame.labels] * 255).astype(np.uint8)], axis=1)


def animation(stream: Stream, first: int, last: int) -> Image:
    """Frames `first` to `last` - 1 as a moving picture in the notebook."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stream.gif"
        stream.save(path, first, last)
        return Image(data=path.read_bytes(), format="gif")


def _page(figure: Figure) -> Image:
    stream = BytesIO()
    figure.savefig(stream, format="jpeg", dpi=90, bbox_inches="tight", pil_kwargs={"quality": 68})
    plt.close(figure)
    return Image(data=stream.getvalue(), format="jpeg")


def _strip(pictures: Sequence[np.ndarray], across: int) -> np.ndarray:
    blank = np.full_like(pictures[0], 255)
    return np.concatenate([*pictures, *[blank] * (across - len(pictures))], axis=1)


def _color(number: int) -> tuple[float, float, float, float]:
    return plt.get_cmap("tab10")(number % 10)


def _tinted(image: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The picture [H, W, 3] with each mask [N, H, W] in a colour of its own."""
    tinted = image.astype(float)
    for number, mask in enumerate(masks):
        tinted[mask > 0] = 0.55 * tinted[mask > 0] + 0.45 * 255 * np.array(_color(number)[:3])
    return tinted.astype(np.uint8)
