"""Detections drawn on images."""

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from ndslib.core.errors import InputError
from ndslib.nds.detections import TRUTH, Detections, detections_figure


def found(scores: list[float] | None, masks: bool = False) -> dict[str, torch.Tensor]:
    count = 2 if scores is None else len(scores)
    objects = {
        "boxes": torch.tensor([[1.0, 2.0, 5.0, 8.0], [0.0, 0.0, 4.0, 4.0], [2.0, 2.0, 3.0, 3.0]])[:count],
        "labels": torch.tensor([2, 1, 1])[:count],
    }
    if scores is not None:
        objects["scores"] = torch.tensor(scores)
    if masks:
        objects["masks"] = torch.zeros(count, 10, 12, dtype=torch.uint8)
        objects["masks"][:, 2:5, 1:3] = 1
    return objects


@pytest.fixture
def detections() -> Detections:
    images = [torch.zeros(3, 10, 12, dtype=torch.uint8), torch.full((3, 12, 10), 200, dtype=torch.uint8)]
    columns = {
        "uniform": [found([0.9, 0.2]), found([])],
        "NDS": [found([0.6, 0.59, 0.7]), found([0.1])],
        TRUTH: [found(None), found(None)],
    }
    return Detections(images, ["car", "bus"], columns)


def test_one_threshold_holds_for_every_detector_and_not_for_the_truth(detections):
    table = detections.above(0.6).table()
    counts = table.groupby(["column", "image"]).size().to_dict()
    assert counts == {("uniform", 0): 1, ("NDS", 0): 2, (TRUTH, 0): 2, (TRUTH, 1): 2}
    assert table[table["column"] == "NDS"]["score"].tolist() == pytest.approx([0.6, 0.7])
    assert table[table["column"] == TRUTH]["score"].isna().all()
    first = table.iloc[0]
    assert (first["class"], first["x0"], first["y1"]) == ("bus", 1.0, 8.0)


def test_boxes_stand_at_the_pixels_edges(detections):
    figure = detections_figure(detections, 0.6, "Detections, street")
    assert figure.get_suptitle() == "Detections, street, score threshold 0.6"
    panels = np.array(figure.axes).reshape(2, 3)
    assert [axes.get_title() for axes in panels[0]] == ["uniform", "NDS", TRUTH]
    drawn = [[patch for patch in axes.patches if isinstance(patch, Rectangle)] for axes in panels[0]]
    assert [len(boxes) for boxes in drawn] == [1, 2, 2]
    box = drawn[0][0]
    assert (box.get_xy(), box.get_width(), box.get_height()) == ((0.5, 1.5), 4.0, 6.0)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["car", "bus"]


def test_masks_colour_their_pixels_alone():
    image = torch.zeros(3, 10, 12, dtype=torch.uint8)
    figure = detections_figure(Detections([image], ["car", "bus"], {"NDS": [found([0.9], masks=True)]}), 0.5, "Masks")
    _, overlay = figure.axes[0].images
    opacity = overlay.get_array()[..., 3]
    assert (opacity > 0).sum() == 6
    assert (opacity[2:5, 1:3] > 0).all()


def test_a_figure_without_a_detection_is_drawn(detections):
    figure = detections_figure(detections, 1.0, "None")
    assert sum(len(axes.patches) for axes in figure.axes) == 4, "the ground truth of two images"


def test_nothing_to_draw_and_thresholds_out_of_range(detections):
    with pytest.raises(InputError, match="nothing to draw"):
        detections_figure(Detections([], ["car"], {}), 0.5, "x")
    with pytest.raises(InputError, match=r"threshold is 1\.5"):
        detections_figure(detections, 1.5, "x")
