from collections.abc import Iterator
from itertools import islice

import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.sim.library import ProceduralLibrary
from ndslib.sim.parameters import PARAMETERS
from ndslib.sim.simulator import Simulator, TorchSimulator

LIBRARY = ProceduralLibrary(["mug", "chair", "sheep"], meshes_per_class=2)
ALL, NONE = [1] * 8, [0] * 8
SIZE = 16


def simulator(**changes):
    return TorchSimulator(**({"size": SIZE, "library": LIBRARY} | changes))


def drawn(*arguments, engine=None, **more):
    """All pictures and class ids."""
    images, ids = zip(*(engine or simulator()).generate(*arguments, **more), strict=True)
    return torch.cat(images), torch.cat(ids)


@pytest.fixture(scope="module")
def reference():
    """Four pictures of each class, [3, 4, 3, S, S]."""
    return drawn(ALL, [0, 1, 2], 4)[0].view(3, 4, 3, SIZE, SIZE)


def test_it_is_a_simulator():
    engine: Simulator = simulator()
    assert engine.parameters == PARAMETERS
    assert engine.classes == ("mug", "chair", "sheep")
    assert len(TorchSimulator().classes) >= 100, "by default the whole catalogue"
    assert isinstance(engine.generate(NONE, [0], 1), Iterator)


def test_batches_are_pictures_and_class_ids_in_order():
    batches = list(simulator(batch_size=4).generate(ALL, [2, 0], 3))
    assert [len(images) for images, _ in batches] == [4, 2]
    assert torch.cat([ids for _, ids in batches]).tolist() == [2, 2, 2, 0, 0, 0]
    for images, ids in batches:
        assert images.dtype == torch.uint8
        assert ids.dtype == torch.int64
        assert images.shape[1:] == (3, SIZE, SIZE)
        images[:] = 0  # they are the caller's own


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_pictures_do_not_depend_on_the_batch_size(reference, batch_size):
    images, _ = drawn(ALL, [0, 1, 2], 4, engine=simulator(batch_size=batch_size))
    assert torch.equal(images.view_as(reference), reference)


def test_picture_i_of_a_class_does_not_depend_on_what_else_is_drawn(reference):
    images, _ = drawn(ALL, [2, 0], 2)
    assert torch.equal(images, torch.cat([reference[2, :2], reference[0, :2]]))
    alone = simulator(library=ProceduralLibrary(["sheep"], meshes_per_class=2))
    assert torch.equal(drawn(ALL, [0], 4, engine=alone)[0], reference[2]), "another list of classes"


def test_pictures_of_a_class_differ_and_follow_the_seed(reference):
    flat = reference.flatten(0, 1)
    assert len({image.numpy().tobytes() for image in flat}) == len(flat)
    assert not torch.equal(drawn(ALL, [0], 4, seed=1)[0], reference[0])


def test_the_size_of_a_call_goes_before_the_simulators():
    assert drawn(NONE, [0], 1, size=20)[0].shape == (1, 3, 20, 20)


def test_nothing_is_drawn_ahead(monkeypatch):
    """A data set of any size takes the memory of one batch."""
    engine, asked = simulator(batch_size=2), []
    draw = engine._draw
    monkeypatch.setattr(engine, "_draw", lambda scene, *rest: asked.append(len(scene)) or draw(scene, *rest))
    pictures = engine.generate(NONE, [0, 1], 10**9)
    assert asked == []
    assert len(list(islice(pictures, 3))) == 3
    assert asked == [2, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": [0] * 7}, "7 values"),
        ({"settings": [0, 0, 0, 0, 0, 3, 0, 0]}, "blur is 3"),
        ({"class_ids": [0, 3]}, "class id 3: choose a whole number from 0 to 2"),
        ({"class_ids": [-1]}, "class id -1"),
        ({"class_ids": [0.5]}, "class id 0.5"),
        ({"images_per_class": 0}, "images_per_class is 0"),
        ({"images_per_class": 1.5}, "images_per_class is 1.5"),
        ({"size": 16.0}, "picture size 16.0"),
        ({"size": "16"}, "picture size '16'"),
        ({"size": 0}, "size 0"),
        ({"size": 7}, "size 7"),
    ],
    ids=str,
)
def test_what_cannot_be_generated_is_refused_at_once(arguments, message):
    with pytest.raises(InputError, match=message):
        simulator().generate(**({"settings": NONE, "class_ids": [0], "images_per_class": 1} | arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"size": 7}, "size 7"), ({"batch_size": 0}, "batch_size is 0"), ({"device": "cudaa"}, "device 'cudaa'")],
)
def test_simulators_that_cannot_draw_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        simulator(**arguments)


def test_the_fingerprint_names_the_library_and_the_kind_of_device():
    assert simulator().fingerprint() == simulator(batch_size=3).fingerprint()
    assert simulator(size=32).fingerprint() != simulator(size=64).fingerprint(), "what generate() falls back on"
    assert simulator().fingerprint() != simulator(library=ProceduralLibrary(["mug"])).fingerprint()
    assert simulator().fingerprint() != simulator(device="meta").fingerprint()


@pytest.fixture(scope="module")
def wide():
    """A simulator of a sample of the catalogue, and its pictures with everything fixed."""
    engine = TorchSimulator(size=32)
    sample = range(0, len(engine.classes), 9)
    return engine, sample, drawn(NONE, sample, 2, engine=engine)[0].int()


@pytest.mark.parametrize("number", range(8), ids=[parameter.name for parameter in PARAMETERS])
def test_every_parameter_changes_the_pictures_visibly(wide, number):
    engine, sample, fixed = wide
    varied, _ = drawn([int(place == number) for place in range(8)], sample, 2, engine=engine)
    assert (varied.int() - fixed).abs().float().mean() > 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False")
def test_a_gpu_draws_the_same_data_set(reference):
    images, ids = drawn(ALL, [0, 1, 2], 4, engine=simulator(device="cuda"))
    assert images.device.type == ids.device.type == "cpu"
    assert ((images.view_as(reference).int() - reference.int()).abs() > 3).float().mean() < 0.01
