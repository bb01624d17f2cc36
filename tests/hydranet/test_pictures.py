"""Pictures for a person to look at: what is drawn is what was given, and what does not fit is refused."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from ndslib.core.errors import InputError
from ndslib.core.plots import PALETTE, use_style
from ndslib.hydranet.partition import cluster_classes
from ndslib.hydranet.pictures import branches_figure, choices_figure, class_features_figure, confusion_figure
from ndslib.hydranet.tasks import Split, Task

SIZE = 4
OWN = np.array([1, 0, 1, 0])  # the branch of each class of `task(4)`


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context():
        use_style()
        yield


def task(classes: int = 4, groups: int | None = None, per_class: int = 3) -> Task:
    """Image number i of the split has the value i everywhere; its class is i modulo the classes."""
    count = classes * per_class
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, SIZE, SIZE), np.uint8)
    split = Split(images, np.arange(count) % classes)
    names = tuple(f"class_{number}" for number in range(classes))
    visual = None if groups is None else tuple(f"group_{number % groups}" for number in range(classes))
    return Task("made", names, visual, split, split)


def blocks(figure) -> dict[str, list[str]]:
    """The titles of the blocks and the names in them."""
    return {axes.get_title("left"): [text.get_text() for text in axes.texts] for axes in figure.axes if axes.texts}


def frames(axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def boxes(figure, texts: list[Text]) -> list:
    figure.draw_without_rendering()
    return [Text.get_window_extent(text) for text in texts]


def overlapping(boxes: list) -> int:
    return sum(first.overlaps(second) for first, second in itertools.combinations(boxes, 2))


def test_a_branch_shows_its_classes_with_their_first_images():
    figure = branches_figure(task(), OWN, images=2)
    assert blocks(figure) == {"branch 0": ["class 1", "class 3"], "branch 1": ["class 0", "class 2"]}
    assert figure.get_suptitle() == "Classes that share a branch"
    first, second = (np.asarray(image.get_array()) for image in figure.axes[0].get_images())
    assert first.shape == (SIZE, 2 * SIZE, 3)
    assert (first[:, :SIZE] == 1).all()
    assert (first[:, SIZE:] == 5).all(), "the second image of class 1"
    assert (second[:, :SIZE] == 3).all()
    assert not frames(figure.axes[0]), "no groups, no frames"
    assert not figure.legends
    assert not plt.get_fignums()


def test_a_name_stands_below_its_own_image():
    figure = branches_figure(task(7), np.arange(7) // 4)
    for axes in figure.axes:
        for image, text in zip(axes.get_images(), axes.texts, strict=True):
            left, right, bottom, _ = image.get_extent()
            assert text.get_position()[0] == pytest.approx((left + right) / 2)
            assert bottom < text.get_position()[1] < bottom + 0.2, "the axis points down"


def test_frames_tell_the_visual_group():
    figure = branches_figure(task(6, groups=2), [0, 0, 1, 1, 1, 0])
    # within a branch, classes of one group stand together
    assert blocks(figure) == {
        "branch 0": ["class 0", "class 1", "class 5"],
        "branch 1": ["class 2", "class 4", "class 3"],
    }
    for axes, groups in zip(figure.axes, ([0, 1, 1], [0, 0, 1]), strict=True):
        assert all(
            same_color(frame.get_edgecolor(), PALETTE[group]) for frame, group in zip(frames(axes), groups, strict=True)
        )
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["group 0", "group 1"]
    assert all(
        same_color(handle.get_edgecolor(), PALETTE[number]) for number, handle in enumerate(legend.legend_handles)
    )


@pytest.mark.parametrize(("classes", "n_b", "groups"), [(10, 5, None), (30, 10, 10), (60, 12, 20), (7, 3, 2)])
def test_every_class_is_drawn_once_and_no_text_covers_another(classes, n_b, groups):
    subtasks = np.arange(classes) * n_b // classes
    figure = branches_figure(task(classes, groups), subtasks)
    drawn = blocks(figure)
    assert list(drawn) == [f"branch {branch}" for branch in range(n_b)]
    assert sorted(itertools.chain(*drawn.values())) == sorted(f"class {number}" for number in range(classes))
    texts = [text for axes in figure.axes for text in axes.get_children() if isinstance(text, Text) and text.get_text()]
    assert len(texts) == classes + n_b, "the names and the titles of the blocks"
    groups = [text for legend in figure.legends for text in legend.get_texts()]
    assert not overlapping(boxes(figure, texts + groups))
    assert figure.get_figwidth() <= 10


def test_long_names_are_broken_so_that_neighbours_stay_apart():
    long = task(8)
    long = Task("made", ("American_Staffordshire_terrier",) * 8, None, long.train, long.test)
    figure = branches_figure(long, [0] * 4 + [1] * 4)
    assert figure.axes[0].texts[0].get_text() == "American\nStaffordshire\nterrier"
    assert not overlapping(boxes(figure, [text for axes in figure.axes for text in axes.texts]))


def test_of_many_branches_the_first_are_drawn_and_the_rest_counted():
    figure = branches_figure(task(40), np.arange(40) % 8, most=12)
    assert list(blocks(figure)) == ["branch 0", "branch 1"], "a third would make 15 classes"
    assert figure.get_suptitle() == "Classes that share a branch (the first 2 of 8 branches)"
    one = branches_figure(task(40), np.arange(40) % 2, most=3)
    assert [len(names) for names in blocks(one).values()] == [20], "one branch at least, whole"


def test_branches_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match=r"shape \(3,\): give the branch of each of the 4 classes of task 'made'"):
        branches_figure(task(), [0, 1, 1])
    with pytest.raises(InputError, match=r"images is 4, but task 'made' has 3 training images of 'class_1'"):
        branches_figure(task(), OWN, images=4)
    with pytest.raises(InputError, match="images is 0"):
        branches_figure(task(), OWN, images=0)
    full = task()
    keep = full.train.labels != 2
    lacking = Task("made", full.classes, None, Split(full.train.images[keep], full.train.labels[keep]), full.test)
    with pytest.raises(InputError, match="has 0 training images of 'class_2'"):
        branches_figure(lacking, OWN)
    assert not plt.get_fignums(), "a refused picture leaves no figure behind"


def test_confusion_shows_its_numbers_and_outlines_the_own_branch():
    shares = np.array([[0.9, 0.25, 0.1], [0.0, 1.0, 0.5], [np.nan] * 3])
    figure = confusion_figure(shares, ["cat, dog", "street_car, bus", "x" * 60])
    axes, bar = figure.axes
    (mesh,) = axes.collections
    np.testing.assert_array_equal(np.ma.filled(mesh.get_array(), np.nan).reshape(3, 3), shares)
    assert mesh.get_clim() == (0, 1), "a colour means the same in every picture"
    assert [text.get_text() for text in axes.texts] == ["0.90", "0.25", "0.10", "0.00", "1.00", "0.50"]
    assert [frame.get_center().tolist() for frame in frames(axes)] == [[0.5, 0.5], [1.5, 1.5], [2.5, 2.5]]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows[:2] == ["cat, dog  0", "street car, bus  1"]
    assert rows[2].endswith("…  2")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "branch that runs (outlined: the own one)",
        "subtask of the image",
    )
    assert axes.yaxis_inverted(), "the first subtask is on top"
    assert bar.get_ylabel() == "share of the subtask's images"
    assert not plt.get_fignums()


@pytest.mark.parametrize("n_b", [1, 12, 13, 50])
def test_a_large_confusion_has_no_numbers_and_no_crowded_labels(n_b):
    figure = confusion_figure(np.eye(n_b), [f"subtask {number} of many" for number in range(n_b)])
    axes = figure.axes[0]
    assert len(axes.texts) == (n_b * n_b if n_b <= 12 else 0)
    assert len(frames(axes)) == n_b
    assert len(axes.get_yticklabels()) == n_b
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert not overlapping(boxes(figure, labels))


@pytest.mark.parametrize(
    ("confusion", "names", "problem"),
    [
        (None, None, r"shape \(\): give the \[n_b, n_b\]"),
        (np.zeros((2, 3)), None, r"shape \(2, 3\)"),
        (np.zeros((0, 0)), None, r"shape \(0, 0\)"),
        (np.array([[1.0, np.nan], [0.0, 100.0]]), None, "from 0.0 to 100.0: give shares in 0..1"),
        (np.array([[1.0, -0.1], [0.0, 1.0]]), None, "from -0.1 to 1.0"),
        (np.eye(2), ["one"], "1 names for 2 branches"),
    ],
)
def test_confusions_that_cannot_be_are_refused(confusion, names, problem):
    with pytest.raises(InputError, match=problem):
        confusion_figure(confusion, names)


def test_features_are_drawn_in_the_plane_of_most_variance():
    # a plane in space, so that the two axes keep all distances
    plane = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0], [4.0, 1.0]])
    features = plane @ np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    figure = class_features_figure(features, OWN, task())
    (axes,) = figure.axes
    drawn = np.empty((4, 2))
    for branch, dots in enumerate(axes.collections):
        assert same_color(dots.get_facecolor()[0], PALETTE[branch])
        drawn[branch == OWN] = dots.get_offsets()
    np.testing.assert_allclose(
        np.linalg.norm(drawn[:, None] - drawn, axis=2), np.linalg.norm(plane[:, None] - plane, axis=2), atol=1e-9
    )
    assert axes.get_xlabel() == "1st principal component (94% of the variance)"
    assert axes.get_ylabel() == "2nd principal component (6%)"
    assert axes.get_aspect() == 1
    assert not plt.get_fignums()


def test_every_class_is_named_at_its_point_and_tied_to_its_branch():
    features = np.random.default_rng(0).normal(size=(4, 5))
    (axes,) = class_features_figure(features, OWN, task()).axes
    numbers = {text.get_text(): text.get_position() for text in axes.texts if not hasattr(text, "xy")}
    names = {text.get_text(): text.xy for text in axes.texts if hasattr(text, "xy")}
    assert sorted(numbers) == ["0", "1"]
    assert sorted(names) == ["class 0", "class 1", "class 2", "class 3"]
    middle = (np.array(names["class 1"]) + names["class 3"]) / 2
    np.testing.assert_allclose(numbers["0"], middle)
    ends = {tuple(line.get_xydata()[1]): tuple(line.get_xydata()[0]) for line in axes.lines}
    for number, branch in enumerate(OWN):
        assert ends[tuple(names[f"class {number}"])] == pytest.approx(numbers[str(branch)])


@pytest.mark.parametrize(("classes", "n_b"), [(10, 5), (30, 10)])
def test_names_cover_neither_points_nor_each_other(classes, n_b):
    features = np.random.default_rng(classes).normal(size=(classes, 8))
    figure = class_features_figure(features, cluster_classes(features, n_b), task(classes))
    (axes,) = figure.axes
    names = [text for text in axes.texts if hasattr(text, "xy")]
    assert len(names) == classes, "there is room for all"
    drawn = boxes(figure, list(axes.texts))
    assert not overlapping(drawn)
    points = axes.transData.transform([text.xy for text in names])
    assert not any(box.contains(*point) for box in drawn for point in points)
    assert all(axes.bbox.contains(*corner) for box in drawn for corner in (box.min, box.max))


def test_names_without_room_and_names_of_very_many_are_left_out():
    crowded = np.random.default_rng(0).normal(size=(60, 2)) * 1e-3
    crowded[0] = 1  # all others fall on one place
    figure = class_features_figure(crowded, np.arange(60) % 3, task(60))
    names = [text for text in figure.axes[0].texts if hasattr(text, "xy")]
    assert 1 < len(names) < 60
    assert not overlapping(boxes(figure, names))
    features = np.random.default_rng(0).normal(size=(101, 4))
    figure = class_features_figure(features, np.arange(101) % 12, task(101, per_class=1))
    assert len(figure.axes[0].texts) == 12, "the branches' numbers alone"
    colours = {tuple(dots.get_facecolor()[0]) for dots in figure.axes[0].collections}
    assert len(colours) == 12, "more branches than the palette has colours still differ"


@pytest.mark.parametrize(
    ("features", "subtasks", "problem"),
    [
        (np.eye(4), [0, 1], r"subtasks have shape \(2,\)"),
        (np.eye(3), OWN, r"shape \(3, 3\): give \[classes, D\] for the 4 classes of task 'made'"),
        (np.ones((4, 1)), OWN, r"shape \(4, 1\)"),
        (np.ones(4), OWN, r"shape \(4,\)"),
        (np.full((4, 2), np.nan), OWN, "not finite or all the same"),
        (np.ones((4, 2)), OWN, "not finite or all the same"),
    ],
)
def test_features_that_do_not_fit_are_refused(features, subtasks, problem):
    with pytest.raises(InputError, match=problem):
        class_features_figure(features, subtasks, task())


def test_a_row_an_image_with_the_branches_that_it_ran():
    chosen = np.array([[True, False, True], [False, True, False]])
    figure = choices_figure(task().train.images[:2], chosen, [2, 0], ["a_cat", "dog"])
    (axes,) = figure.axes
    cells = [frame for frame in frames(axes) if frame.get_fill()]
    outlines = [frame for frame in frames(axes) if not frame.get_fill()]
    filled = np.array([same_color(cell.get_facecolor(), PALETTE[0]) for cell in cells]).reshape(2, 3)
    np.testing.assert_array_equal(filled, chosen)
    assert [cell.get_y() for cell in cells[::3]] == sorted(cell.get_y() for cell in cells[::3]), "first image on top"
    assert axes.yaxis_inverted()
    own = [cells[2], cells[3]]
    assert [outline.get_bbox().bounds for outline in outlines] == [cell.get_bbox().bounds for cell in own]
    assert [np.asarray(image.get_array()).max() for image in axes.get_images()] == [0, 1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a cat", "dog"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "runs",
        "the branch of the image's own subtask",
    ]
    assert not plt.get_fignums()


def test_choices_among_fifty_branches_have_numbers_that_do_not_touch():
    chosen = np.zeros((3, 50), bool)
    chosen[:, :5] = True
    figure = choices_figure(task().train.images[:3], chosen, [0, 7, 49])
    (axes,) = figure.axes
    assert len(frames(axes)) == 3 * 51
    labels = axes.get_xticklabels()
    assert [label.get_text() for label in labels] == [str(branch) for branch in range(0, 50, 5)]
    assert not overlapping(boxes(figure, labels))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["", "", ""]


@pytest.mark.parametrize(
    ("images", "chosen", "own", "titles", "problem"),
    [
        (np.zeros((0, 3, 4, 4), np.uint8), np.ones((0, 2), bool), [], None, "N of at least 1"),
        (np.zeros((3, 4, 4), np.uint8), np.ones((3, 2), bool), [0] * 3, None, r"images have shape \(3, 4, 4\)"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.ones((3, 2), bool), [0, 0], None, r"chosen is bool \(3, 2\)"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.ones((2, 2)), [0, 0], None, r"chosen is float64 \(2, 2\)"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.ones((2, 2), bool), [0], None, r"own \(1,\)"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.ones((2, 2), bool), [0, 0], ["a"], "there are 1 titles"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.ones((2, 2), bool), [0, 2], None, "go from 0 to 2, but chosen has 2"),
    ],
)
def test_choices_that_do_not_fit_are_refused(images, chosen, own, titles, problem):
    with pytest.raises(InputError, match=problem):
        choices_figure(images, chosen, own, titles)
