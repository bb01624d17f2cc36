"""Pictures for a person to look at: what is drawn is what was given, and what does not fit is refused."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import nn

from ndslib.core.errors import InputError
from ndslib.core.plots import use_style
from ndslib.core.training import TrainConfig
from ndslib.data.labelled import Labelled
from ndslib.sim import PARAMETERS, ProceduralLibrary, TorchSimulator
from ndslib.task2sim import pictures
from ndslib.task2sim.live import LiveRewards
from ndslib.task2sim.pretraining import Pretraining
from ndslib.task2sim.tasks import Task

SIZE = 8
CLASSES = ("mug", "pear", "chair")


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context():
        use_style()
        yield


@pytest.fixture(scope="module")
def simulator() -> TorchSimulator:
    return TorchSimulator(SIZE, library=ProceduralLibrary(CLASSES, meshes_per_class=1))


class Colours(nn.Module):
    """A backbone whose features are the mean colour of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((2, 3))


def images(*colours: tuple[int, int, int]) -> np.ndarray:
    return np.array(colours, np.uint8)[:, :, None, None] * np.ones((1, 1, SIZE, SIZE), np.uint8)


def task(name: str = "birds") -> Task:
    """Of two classes, the first red in training; the third training image is the only green one."""
    train = images((200, 0, 0), (100, 10, 0), (0, 150, 0), (90, 60, 0), (0, 0, 99))
    test = images((50, 0, 0), (0, 200, 0))
    parts = Labelled(train, np.array([0, 0, 1, 1, 1])), Labelled(test, np.array([0, 0]))
    return Task(name, ("red_bird", "gull"), "natural", True, *parts, key=name)


def shown(axes: Axes) -> list[np.ndarray]:
    """The images of a figure, uint8 [S, S, 3], row by row."""
    drawn = sorted(axes.get_images(), key=lambda image: (image.get_extent()[3], image.get_extent()[0]))
    return [np.asarray(image.get_array()) for image in drawn]


def rows(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [(a, b) for (a, first), (b, second) in itertools.combinations(boxes, 2) if first.overlaps(second)]


def test_a_row_a_setting_shows_the_same_objects(simulator):
    settings = {"Task2Sim": [0] * 8, "Domain Randomization": [1] * 8}
    figure = pictures.settings_grid(simulator, [0, 2], settings, images_per_class=2, seed=3)
    (axes,) = figure.axes
    assert rows(axes) == list(settings)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["mug", "chair"]
    expected = [
        picture.permute(1, 2, 0).numpy()
        for setting in settings.values()
        for batch, _ in simulator.generate(setting, [0, 2], 2, seed=3)
        for picture in batch
    ]
    assert len(shown(axes)) == len(expected) == 8
    assert all((one == other).all() for one, other in zip(shown(axes), expected, strict=True))
    assert not plt.get_fignums()


def test_a_name_stands_over_its_own_pictures(simulator):
    (axes,) = pictures.settings_grid(simulator, [0, 1, 2], {"fixed": [0] * 8}, images_per_class=3).axes
    lefts = sorted(image.get_extent()[0] for image in axes.get_images())
    for place, middle in enumerate(axes.get_xticks()):
        first, last = lefts[3 * place], lefts[3 * place + 2] + 1
        assert middle == pytest.approx((first + last) / 2)
    assert lefts[3] - lefts[2] > lefts[1] - lefts[0], "classes stand apart"


def test_effects_vary_each_parameter_alone(simulator):
    figure = pictures.parameter_effects(simulator, 1, images=6, seed=1)
    (axes,) = figure.axes
    assert rows(axes) == ["all fixed", *(parameter.name.replace("_", " ") for parameter in PARAMETERS)]
    fixed, *varied = np.array(shown(axes)).reshape(9, 6, SIZE, SIZE, 3)
    assert all((each != fixed).any() for each in varied)
    alone = next(iter(simulator.generate([0, 0, 0, 0, 0, 0, 0, 1], [1], 6, seed=1)))[0]
    assert (varied[-1] == alone.permute(0, 2, 3, 1).numpy()).all()


@pytest.mark.parametrize(
    ("classes", "settings", "message"),
    [
        ([], {"a": [0] * 8}, "1 settings of 0 classes"),
        ([0], {}, "0 settings of 1 classes"),
        ([0], {"a": [0]}, "wanted 8"),
    ],
)
def test_grids_without_content_are_refused(simulator, classes, settings, message):
    with pytest.raises(InputError, match=message):
        pictures.settings_grid(simulator, classes, settings)
    assert not plt.get_fignums()


@pytest.fixture
def rewards(simulator) -> LiveRewards:
    """Of settings of object distance, blur and background."""
    pretraining = Pretraining(2, 5, 16, TrainConfig(1, 2, 0.1), seed=7)
    return LiveRewards(simulator, [task()], pretraining, ("object_distance", "blur", "background"))


def test_tasks_stand_beside_what_is_drawn_for_them(rewards):
    settings = np.array([[0, 0, 0], [1, 1, 0]])
    (axes,) = pictures.pretraining_sets(rewards, [task("birds"), task("b")], settings, columns=3).axes
    assert rows(axes) == ["birds: nothing varies", "b: varies object distance,\nblur"]
    drawn = shown(axes)
    assert [image.shape[0] for image in drawn] == 2 * ([SIZE] * 3 + [16] * 3)
    own = [image.transpose(2, 0, 1) for image in drawn[:3]]
    places = [int((task().train.images == image).all((1, 2, 3)).argmax()) for image in own]
    assert {task().train.labels[place] for place in places[:2]} == {0, 1}, "as many classes as there are come first"
    assert len(set(places)) == 3
    expected = rewards.data([1, 1, 0]).images()  # two classes, five images each
    for image, place in zip(drawn[9:], (0, 1, 5), strict=True):
        assert (image == expected.images[place].transpose(1, 2, 0)).all()


def test_all_parameters_varied_are_not_named(simulator):
    rewards = LiveRewards(simulator, [task()], Pretraining(2, 5, 16, TrainConfig(1, 2, 0.1)))
    (axes,) = pictures.pretraining_sets(rewards, [task()], np.ones((1, 8), int), columns=2).axes
    assert rows(axes) == ["birds: everything varies"]


def test_what_is_shown_of_a_set_is_not_kept(rewards, tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_CACHE", str(tmp_path))
    pictures.pretraining_sets(rewards, [task()], np.zeros((1, 3), int), columns=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("columns", [2, 5])
def test_long_names_of_settings_do_not_touch(simulator, columns):
    rewards = LiveRewards(simulator, [task()], Pretraining(2, 5, 16, TrainConfig(1, 2, 0.1)))
    tasks = [task(f"ChestXPneumonia {number}") for number in range(3)]
    figure = pictures.pretraining_sets(rewards, tasks, np.array([[1] * 7 + [0]] * 3), columns)
    assert not overlapping(figure)
    assert figure.get_figwidth() <= 10


def test_settings_that_do_not_fit_the_tasks_are_refused(rewards):
    for tasks, settings in (([], np.zeros((0, 3), int)), ([task()], np.zeros((2, 3), int))):
        with pytest.raises(InputError, match=f"{len(tasks)} tasks and {len(settings)} settings"):
            pictures.pretraining_sets(rewards, tasks, settings)


def test_neighbours_are_those_of_the_least_angle():
    near = pictures.nearest(Colours(), task(), [1, 0], k=3)
    assert near.dtype == np.int64
    assert near.tolist() == [[2, 3, 1], [0, 1, 3]], "of the green image, then of the red one; brightness is nothing"
    assert pictures.nearest(Colours(), task(), [0], k=5).shape == (1, 5)


@pytest.mark.parametrize(
    ("anchors", "k", "message"),
    [
        ([2], 3, "no test image 2 in task 'birds': choose from 0 to 1"),
        ([0], 6, "k is 6: ask for 1 to 5"),
        ([0], 0, "k is 0"),
    ],
)
def test_neighbours_that_are_not_there_are_refused(anchors, k, message):
    with pytest.raises(InputError, match=message):
        pictures.nearest(Colours(), task(), anchors, k)


class Reds(Colours):
    """Near is what is as red."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        red = images[:, 0].float().mean((1, 2))
        return torch.stack([red, torch.full_like(red, 50.0)], 1)


def test_neighbours_of_the_anchors_class_are_framed():
    figure, table = pictures.neighbours({"Task2Sim": Colours(), "Imagenet*": Reds()}, task(), [0, 1], k=2)
    (axes,) = figure.axes
    assert rows(axes) == ["Task2Sim", "Imagenet*"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["red bird", "red bird"]
    own = task()
    expected = [own.test.images[0], *own.train.images[[0, 1]], own.test.images[1], *own.train.images[[2, 3]]]
    assert all((one == two.transpose(1, 2, 0)).all() for one, two in zip(shown(axes)[:6], expected, strict=True))
    corners = sorted((image.get_extent()[3], image.get_extent()[0]) for image in axes.get_images())
    framed = [corners.index((frame.get_y(), frame.get_x())) for frame in axes.patches]
    assert framed == [1, 2, 8], "in row-major order; the anchors are 0, 3, 6 and 9"
    assert table["same_class"].tolist() == [True, True, False, False, False, True, False, False]
    assert table.iloc[3].tolist() == ["Task2Sim", 1, "red_bird", 2, 3, "gull", False]
    assert table["neighbour"].tolist()[:6] == [0, 1, 2, 3, 3, 1]
    assert len(figure.legends) == 1
    assert not overlapping(figure)
    assert not plt.get_fignums()


def test_neighbours_of_nothing_are_refused():
    for backbones, anchors in (({}, [0]), ({"a": Colours()}, [])):
        with pytest.raises(InputError, match=f"{len(backbones)} feature extractors and {len(anchors)} anchors"):
            pictures.neighbours(backbones, task(), anchors)
    assert not plt.get_fignums()
