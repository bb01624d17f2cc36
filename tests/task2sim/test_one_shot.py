"""A new task in one shot: its images, its vector, what the policy says of it, and the set that is rendered for it."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18, ResNet50
from ndslib.core.seeding import isolated
from ndslib.data.labelled import Labelled
from ndslib.sim import PARAMETERS, MitsubaSimulator, Parameter, ProceduralLibrary, TorchSimulator
from ndslib.task2sim import Policy, RewardTable, embedding, one_shot
from ndslib.task2sim.rendering import PictureFolder, setting_for
from ndslib.task2sim.task2vec import task2vec
from ndslib.task2sim.vectors import Recipe, TaskVectors, probe_of_file

OPTIONS = {"samples": 30, "head_epochs": 2}


@pytest.fixture(scope="module")
def probe() -> ResNet18:
    with isolated("test probe"):
        return ResNet18(2, width=4).eval()


@pytest.fixture(scope="module")
def tasks() -> dict[str, Labelled]:
    """Stripes of two directions, and blobs of two colours: nothing alike."""
    random, labels = np.random.default_rng(0), np.arange(12) % 2
    stripes = np.zeros((12, 3, 16, 16), np.uint8)
    stripes[labels == 0, :, ::4] = 255
    stripes[labels == 1, :, :, ::4] = 255
    blobs = np.full((12, 3, 16, 16), 40, np.uint8)
    for image, label in zip(blobs, labels, strict=True):
        image[label, 4:12, 4:12] = random.integers(150, 250)
    return {"stripes": Labelled(stripes, labels), "blobs": Labelled(blobs, labels)}


@pytest.fixture(scope="module")
def vectors(probe, tasks) -> TaskVectors:
    recipe = Recipe(probe, 16, options=OPTIONS)
    return TaskVectors(tuple(tasks), np.stack([recipe.vector(task) for task in tasks.values()]), recipe)


@pytest.fixture(scope="module")
def policy(vectors) -> Policy:
    """Has learnt that stripes need a varied first parameter and a fixed second one, and blobs the opposite."""
    levels = np.indices([2, 2])
    values = np.stack([10.0 * (levels[0] == own) + 10.0 * (levels[1] != own) for own in (1, 0)])
    table = RewardTable(vectors.names, (PARAMETERS[5], PARAMETERS[0]), values)
    return Policy(hidden=16, epochs=100, lr=0.05, warmup=5, gradient="exact", length=10.0).fit(vectors, table)


# Prediction


def test_a_task_gets_the_settings_of_the_seen_task_that_it_equals(policy, tasks):
    for place, (name, other) in enumerate([("stripes", "blobs"), ("blobs", "stripes")]):
        found = one_shot.predict(policy, tasks[name])
        assert found.settings == {"blur": 1 - place, "object_rotation": place}
        assert found.levels == (1 - place, place)
        assert [task for task, _ in found.closest] == [name, other]
        assert found.closest[0][1] == pytest.approx(0, abs=1e-6)
        assert 0 < found.closest[1][1] <= 1
        assert found.probabilities.shape == (2, 2)
        np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-6)


def test_a_prediction_is_what_the_policy_says_of_the_task2vec(policy, probe, tasks):
    task = Labelled(tasks["blobs"].images[::-1].copy(), tasks["stripes"].labels)
    vector = task2vec(probe, task, **OPTIONS)[None]
    found = one_shot.predict(policy, task)
    assert np.array_equal(found.probabilities, policy.probabilities(vector)[0])
    assert found.levels == tuple(policy.predict(vector)[0])


def test_a_prediction_as_json_has_a_probability_for_each_level_and_no_more(policy, tasks):
    found = one_shot.predict(policy, tasks["blobs"])
    wider = one_shot.Prediction(
        (Parameter("a", 1), Parameter("b", 3)), (0, 2), np.array([[1, 0, 0], [0.1, 0.2, 0.7]]), ()
    )
    assert json.loads(json.dumps(found.as_json()))["settings"] == found.settings
    assert wider.as_json() == {
        "settings": {"a": 0, "b": 2},
        "probabilities": {"a": [1.0], "b": [0.1, 0.2, 0.7]},
        "closest": [],
    }


def test_a_policy_of_bare_vectors_is_refused_with_a_remedy(vectors, policy, tasks):
    table = RewardTable(vectors.names, (PARAMETERS[0],), np.ones((2, 2)))
    for given in (vectors.values, TaskVectors(vectors.names, vectors.values)):
        bare = Policy(hidden=4, epochs=1).fit(given, table)
        with pytest.raises(InputError, match=r"does not say which probe network .*`ndslib task2sim task2vec`"):
            one_shot.predict(bare, tasks["blobs"])


def test_images_of_another_size_are_refused(policy, tasks):
    small = Labelled(tasks["blobs"].images[..., :8, :8].copy(), tasks["blobs"].labels)
    with pytest.raises(InputError, match="8 pixels wide; this probe looks at 16"):
        one_shot.predict(policy, small)


# What a policy keeps


def test_a_policy_comes_back_with_its_probe_and_seen_tasks(tmp_path, policy, vectors, tasks):
    policy.save(tmp_path / "policy.safetensors")
    loaded = Policy.load(tmp_path / "policy.safetensors")
    assert loaded.seen.names == vectors.names
    assert np.array_equal(loaded.seen.values, vectors.values)
    assert loaded.seen.recipe.description == vectors.recipe.description
    first, again = (one_shot.predict(each, tasks["blobs"]) for each in (policy, loaded))
    assert first.as_json() == again.as_json()
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "policy.safetensors").read_bytes()


def test_a_policy_that_is_fitted_to_bare_vectors_later_forgets_where_the_first_came_from(vectors):
    table = RewardTable(vectors.names, (PARAMETERS[0],), np.ones((2, 2)))
    policy = Policy(hidden=4, epochs=1).fit(vectors, table)
    assert policy.seen is vectors
    assert policy.fit(vectors.values, table).seen is None


def test_vectors_of_a_changed_task2vec_are_refused(tmp_path, policy, vectors, monkeypatch):
    policy.save(tmp_path / "policy.safetensors")
    vectors.save(tmp_path / "vectors.npz")
    monkeypatch.setattr("ndslib.task2sim.vectors.VERSION", embedding.VERSION + 1)
    with pytest.raises(InputError, match=r"policy\.safetensors: its task vectors were made with .*compute the vectors"):
        Policy.load(tmp_path / "policy.safetensors")
    with pytest.raises(InputError, match=r"vectors\.npz: its task vectors were made with"):
        TaskVectors.load(tmp_path / "vectors.npz")


def test_rewards_of_tasks_in_another_order_are_refused(vectors):
    table = RewardTable(vectors.names[::-1], (PARAMETERS[0],), np.ones((2, 2)))
    with pytest.raises(InputError, match=r"TaskVectors\.of\(table\.tasks\)"):
        Policy(hidden=4, epochs=1).fit(vectors, table)
    assert Policy(hidden=4, epochs=1).fit(vectors.of(table.tasks), table).seen.names == table.tasks


# Files of vectors


def test_vectors_come_back_from_their_file(tmp_path, vectors, tasks):
    named = TaskVectors(("file", "a/b"), vectors.values, vectors.recipe)
    named.save(tmp_path / "vectors.npz")
    loaded = TaskVectors.load(tmp_path / "vectors.npz")
    assert loaded.names == ("file", "a/b")
    assert np.array_equal(loaded.values, vectors.values)
    assert np.array_equal(loaded.recipe.vector(tasks["blobs"]), vectors.values[1])
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "vectors.npz").read_bytes()


def test_the_authors_file_is_read_and_says_nothing_of_its_probe(task2sim_data):
    loaded = TaskVectors.load(task2sim_data / "task2vec_resnet18.npz")
    assert (len(loaded), loaded.values.shape, loaded.recipe) == (20, (20, 9600), None)
    assert loaded.of(["DTD", "CUB"]).names == ("DTD", "CUB")


def test_an_imagenet_probe_goes_by_its_name_and_version_of_weights(tmp_path, vectors):
    recipe = Recipe("resnet18", 224)
    assert recipe.description["probe"] == {"name": "resnet18", "weights": "ResNet18_Weights.IMAGENET1K_V1"}
    TaskVectors(vectors.names, vectors.values, recipe).save(tmp_path / "vectors.npz")
    assert TaskVectors.load(tmp_path / "vectors.npz").recipe == recipe
    with np.load(tmp_path / "vectors.npz") as stored:
        assert set(stored.files) == {*vectors.names, ":recipe"}


def test_a_vector_of_an_absent_imagenet_network_says_how_to_get_it(monkeypatch, tmp_path, tasks):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"curl .*resnet18-\w+\.pth"):
        Recipe("resnet18", 16).vector(tasks["blobs"])


def test_joined_vectors_replace_those_of_the_same_name(vectors):
    new = TaskVectors(("blobs", "dots"), np.ones_like(vectors.values), vectors.recipe)
    joined = vectors.joined(new)
    assert joined.names == ("stripes", "blobs", "dots")
    assert np.array_equal(joined.values, np.stack([vectors.values[0], new.values[0], new.values[1]]))


def test_vectors_of_another_recipe_do_not_join(vectors, probe):
    for recipe in (None, Recipe(probe, 17, options=OPTIONS), Recipe(ResNet18(2, 4), 16, options=OPTIONS)):
        with pytest.raises(InputError, match="made differently and cannot be compared"):
            vectors.joined(TaskVectors(("new",), vectors.values[:1], recipe))


def test_missing_vectors_are_named(vectors):
    with pytest.raises(InputError, match=r"no task vectors of \['dots'\]; there are those of \['stripes', 'blobs'\]"):
        vectors.of(["blobs", "dots"])


@pytest.mark.parametrize(
    ("names", "message"),
    [((), "name at least one"), (("a", "a"), "each only once"), (("a", ""), "name"), (("a",), "give one a task")],
)
def test_vectors_want_a_name_each(vectors, names, message):
    with pytest.raises(InputError, match=message):
        TaskVectors(names, vectors.values)


def test_a_name_that_the_file_needs_itself_is_refused(tmp_path, vectors):
    with pytest.raises(InputError, match="':recipe': a task's name must not start with a colon"):
        TaskVectors(("a", ":recipe"), vectors.values).save(tmp_path / "vectors.npz")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "not a readable .npz"),
        (lambda path: path.write_bytes(b""), "not a readable .npz"),
        (lambda path: path.write_text("task,vector\n"), "not a readable .npz"),
        (lambda path: np.savez(path, a=np.ones(3), b=np.ones(4)), "wanted one vector a task, all of one length"),
        (lambda path: np.savez(path, a=np.ones((2, 3))), "wanted one vector a task"),
        (lambda path: np.savez(path, a=np.array([None])), "not a readable .npz"),
        (lambda path: np.savez(path), "wanted one vector a task"),
    ],
    ids=["absent", "empty", "text", "two lengths", "matrices", "objects", "nothing in it"],
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path, write, message):
    path = tmp_path / "vectors.npz"
    write(path)
    with pytest.raises(InputError, match=rf"vectors\.npz: .*{message}"):
        TaskVectors.load(path)


def test_a_cut_file_is_refused(tmp_path, vectors):
    path = tmp_path / "vectors.npz"
    vectors.save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"vectors\.npz: not a readable"):
        TaskVectors.load(path)


# Probes


@pytest.mark.parametrize(("width", "stem"), [(4, "cifar"), (20, "imagenet")])
def test_a_probe_is_told_by_the_shapes_of_its_weights(tmp_path, width, stem):
    network = ResNet18(3, width, stem).eval()
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()}, tmp_path / "probe.safetensors"
    )
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(probe_of_file(tmp_path / "probe.safetensors").features(images), network.features(images))


def test_weights_of_something_else_are_no_probe(tmp_path):
    path = tmp_path / "probe.safetensors"
    with pytest.raises(InputError, match=r"probe\.safetensors: not a readable"):
        probe_of_file(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"probe\.safetensors: not the weights of an ndslib\.core\.models\.ResNet18"):
        probe_of_file(path)
    save_file({"conv1.weight": torch.zeros(4, 3, 5, 5), "fc.weight": torch.zeros(2, 32)}, path)
    with pytest.raises(InputError, match="not the weights of"):
        probe_of_file(path)


def test_probes_that_a_file_cannot_keep_are_refused():
    with pytest.raises(InputError, match="the probe is a ResNet50"):
        Recipe(ResNet50(2), 16)
    with pytest.raises(InputError, match="torchvision has no classifier 'resnet17'"):
        Recipe("resnet17", 16)


# Images of a task


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three classes of 5, 3 and 4 pictures, each of a grey of its own, 10 x 20 pixels."""
    for number, (name, count) in enumerate({"b": 5, "a": 3, "c": 4}.items()):
        for picture in range(count):
            path = tmp_path / "task" / name / f"{picture}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (10, 20), (50 * number,) * 3).save(path)
    return tmp_path / "task"


def test_images_are_read_with_their_folders_as_labels(folder):
    found = one_shot.read_images(folder, 8)
    assert (found.images.shape, found.images.dtype) == ((12, 3, 8, 8), np.uint8)
    assert found.labels.tolist() == [0] * 3 + [1] * 5 + [2] * 4
    assert found.images[:, 0, 0, 0].tolist() == [50] * 3 + [0] * 5 + [100] * 4


def test_fewer_images_of_large_classes(folder):
    assert np.bincount(one_shot.read_images(folder, 8, most_per_class=4).labels).tolist() == [3, 4, 4]


def test_folders_that_are_no_task_are_refused(tmp_path, folder):
    with pytest.raises(InputError, match="absent: no such folder; give the folder that holds a folder of images for"):
        one_shot.read_images(tmp_path / "absent", 8)
    with pytest.raises(InputError, match="a: it holds no class folder"):
        one_shot.read_images(folder / "a", 8)
    with pytest.raises(InputError, match="its only class is 'task'; a task needs at least two"):
        one_shot.read_images(tmp_path, 8)
    (folder / "d").mkdir()
    with pytest.raises(InputError, match="the class 'd' has no image"):
        one_shot.read_images(folder, 8)
    Image.new("RGB", (9, 9)).save(folder / "d" / "only.png")
    with pytest.raises(InputError, match=r"task/d: the class has one image; give it at least two"):
        one_shot.read_images(folder, 8)


def test_too_few_images_a_class_are_the_options_fault(folder):
    for few in (1, -1):
        with pytest.raises(InputError, match=f"most_per_class is {few}: .*take at least 2, or all with 0"):
            one_shot.read_images(folder, 8, most_per_class=few)


def test_an_image_that_a_link_leads_to_again_does_not_count_twice(folder):
    (folder / "d").mkdir()
    Image.new("RGB", (9, 9)).save(folder / "d" / "only.png")
    (folder / "d" / "loop").symlink_to("../d")
    with pytest.raises(InputError, match="task/d: the class has one image"):
        one_shot.read_images(folder, 8)


def test_the_remedies_are_for_the_users_own_folder(folder):
    (folder / "d").mkdir()
    with pytest.raises(InputError, match="add some or take the folder away"):
        one_shot.read_images(folder, 8)
    with pytest.raises(InputError, match="no class folder; give the folder that holds a folder of images for each"):
        one_shot.read_images(folder / "a", 8)


def cut(path: Path) -> None:
    """Replace an image by the first half of a file, whose header is in order."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def test_unreadable_images_are_named_and_left_out_if_wanted(folder):
    cut(folder / "b" / "0.png")
    with pytest.raises(InputError, match=r"b/0\.png: "):
        one_shot.read_images(folder, 8)
    (folder / "c" / "1.png").write_text("no image")  # already its header says so
    with pytest.raises(InputError, match=r"c/1\.png: not a readable image header"):
        one_shot.read_images(folder, 8)
    with pytest.warns(UserWarning, match="left out") as left_out:
        found = one_shot.read_images(folder, 8, on_corrupt="skip")
    assert ["c/1.png" in str(left_out[0].message), "b/0.png" in str(left_out[1].message)] == [True, True]
    assert np.bincount(found.labels).tolist() == [3, 4, 3]


def test_a_class_that_loses_its_images_is_refused(folder):
    for name in ("0.png", "1.png"):
        cut(folder / "a" / name)
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(InputError, match="task/a: the class has one image"),
    ):
        one_shot.read_images(folder, 8, on_corrupt="skip")


# Rendering


@pytest.fixture(scope="module")
def simulator() -> TorchSimulator:
    return TorchSimulator(16, library=ProceduralLibrary(["mug", "chair", "car", "fish"], meshes_per_class=2))


ABOUT = {"task": "mine", "policy": "0123"}


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parameters_go_by_name_and_those_not_chosen_stay_fixed(simulator):
    chosen = (Parameter("blur", 2), Parameter("object_rotation", 2))
    assert setting_for(simulator, chosen, (0, 1)) == (1, 0, 0, 0, 0, 0, 0, 0)
    assert setting_for(simulator, PARAMETERS[::-1], (1, 0, 0, 0, 0, 0, 0, 0)) == (0,) * 7 + (1,)


@pytest.mark.parametrize("odd", [Parameter("fog", 2), Parameter("blur", 3)])
def test_a_parameter_that_the_simulator_does_not_have_is_refused(simulator, odd):
    with pytest.raises(InputError, match=rf"the policy chooses \['{odd.name}'\], which this simulator does not have"):
        setting_for(simulator, (PARAMETERS[0], odd), (0, 0))


def test_a_set_holds_what_the_simulator_draws(tmp_path, simulator):
    setting = (1, 0, 0, 0, 0, 0, 1, 0)
    out = PictureFolder(simulator, 3, classes=2, size=16, seed=5).render(setting, tmp_path / "new" / "out", ABOUT)
    drawn = {f"{name}/0000{number}.png" for name in ("car", "mug") for number in range(3)}
    assert set(bytes_below(out)) == drawn | {"dataset.json"}
    for class_id, name in ((0, "mug"), (2, "car")):
        ((drawn, _),) = simulator.generate(setting, [class_id], 3, 16, 5)
        stored = [np.asarray(Image.open(out / name / f"0000{number}.png")) for number in range(3)]
        assert np.array_equal(np.stack(stored), drawn.permute(0, 2, 3, 1).numpy())
    assert json.loads((out / "dataset.json").read_text()) == ABOUT | {
        "format": "ndslib task2sim dataset 1",
        "settings": dict(zip([each.name for each in PARAMETERS], setting, strict=True)),
        "simulator": {"name": "TorchSimulator", "fingerprint": simulator.fingerprint()},
        "classes": ["mug", "car"],
        "images_per_class": 3,
        "size": 16,
        "seed": 5,
    }


def test_a_worker_elsewhere_renders_the_same_bytes(tmp_path, simulator):
    pictures = PictureFolder(simulator, 2, size=16)
    sent = pickle.loads(pickle.dumps(pictures))  # as run_jobs sends it to another process
    here, there = (each.render((1,) * 8, tmp_path / str(id(each)), ABOUT) for each in (pictures, sent))
    assert bytes_below(here) == bytes_below(there)
    assert len(bytes_below(here)) == 9


class Posing:
    """A simulator with other names of its classes, whose pictures and class ids pass through `change`."""

    def __init__(self, simulator, classes=None, change=lambda pictures, numbers: (pictures, numbers)):
        self.inner, self.change, self.drawn = simulator, change, []
        self.parameters, self.fingerprint = simulator.parameters, simulator.fingerprint
        self.classes = classes or simulator.classes

    def generate(self, settings, class_ids, *arguments):
        return self._batches(class_ids, self.inner.generate(settings, class_ids, *arguments))

    def _batches(self, class_ids, batches):
        self.drawn += class_ids
        for batch in batches:
            yield self.change(*batch)


@pytest.mark.parametrize("name", ["../esc", "/esc", "a/b", "", ".", "..", ".hidden", "nul\0", "dataset.json", "mug"])
def test_a_class_name_that_is_no_folder_of_its_own_is_refused(simulator, name):
    engine = Posing(simulator, ("mug", "chair", "car", name))
    with pytest.raises(InputError, match=re.escape(f"class {name!r} cannot be a folder of its own in the set; rename")):
        PictureFolder(engine, 1, size=16)
    PictureFolder(engine, 1, classes=1, size=16)  # as it is not rendered


@pytest.mark.parametrize(
    ("change", "given"),
    [
        (lambda pictures, numbers: (pictures[..., :8, :8], numbers), "torch.uint8 (2, 3, 8, 8)"),
        (lambda pictures, numbers: (pictures / 255, numbers), "torch.float32 (2, 3, 16, 16)"),
        (lambda pictures, numbers: (pictures[:, :1], numbers), "torch.uint8 (2, 1, 16, 16)"),
        (lambda pictures, numbers: (pictures.permute(0, 2, 3, 1), numbers), "torch.uint8 (2, 16, 16, 3)"),
        (lambda pictures, numbers: (pictures, numbers[:1]), "torch.uint8 (2, 3, 16, 16)"),
        (lambda pictures, numbers: (pictures, numbers + 1), "of the class ids [1] for mug"),
    ],
    ids=["size", "float", "grey", "HWC", "one id", "wrong id"],
)
def test_pictures_that_were_not_asked_for_are_refused(tmp_path, simulator, change, given):
    with pytest.raises(InputError, match=re.escape(given) + r".* wanted uint8 \[B, 3, 16, 16\] of 0: mend it"):
        PictureFolder(Posing(simulator, change=change), 2, classes=1, size=16).render((0,) * 8, tmp_path / "out")
    assert not (tmp_path / "out" / "mug").exists()
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_a_class_that_lost_pictures_is_rendered_again(tmp_path, simulator):
    engine = Posing(simulator)
    pictures, out = PictureFolder(engine, 2, size=16), tmp_path / "out"
    whole = bytes_below(pictures.render((0,) * 8, out, ABOUT))
    for name in ("mug/00001.png", "fish/00000.png", "fish/00001.png"):
        (out / name).unlink()
    (out / "mug" / "notes.txt").write_text("mine")
    engine.drawn = []
    pictures.render((0,) * 8, out, ABOUT)
    assert engine.drawn == [0, 3]
    assert bytes_below(out) == whole | {"mug/notes.txt": b"mine"}
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []


def test_a_folder_is_checked_before_a_setting_is_known(tmp_path, simulator):
    pictures, out = PictureFolder(simulator, 1, classes=1, size=16), tmp_path / "out"
    pictures.check(out, ABOUT)
    pictures.render((1,) * 8, out, ABOUT)
    before = bytes_below(out)
    pictures.check(out, ABOUT)
    with pytest.raises(InputError, match="holds another set, which differs in task; give a new folder"):
        pictures.check(out, ABOUT | {"task": "another"})
    with pytest.raises(InputError, match="it holds other files"):
        pictures.check(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        pictures.check(out / "dataset.json")
    assert bytes_below(out) == before


class Dying(Posing):
    """A simulator that fails in one class, as a full disk or a broken renderer would."""

    def __init__(self, simulator, error):
        super().__init__(simulator)
        self.error = error

    def _batches(self, class_ids, batches):
        for batch in super()._batches(class_ids, batches):
            if self.error is not None and class_ids == [1]:
                raise self.error
            yield batch


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), InputError("the renderer died; see its log")]
)
def test_a_fault_loses_no_class_that_was_done_and_the_next_run_renders_only_the_others(tmp_path, simulator, error):
    whole = PictureFolder(Dying(simulator, None), 2, size=16).render((0,) * 8, tmp_path / "whole", ABOUT)
    engine, out = Dying(simulator, error), tmp_path / "out"
    with pytest.raises(InputError, match=r"No space left on device.*what was done is kept|the renderer died"):
        PictureFolder(engine, 2, size=16).render((0,) * 8, out, ABOUT)
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {"mug", "car", "fish"}
    engine.error, engine.drawn = None, []
    assert PictureFolder(engine, 2, size=16).render((0,) * 8, out, ABOUT) == out
    assert engine.drawn == [1]
    assert bytes_below(out) == bytes_below(whole)
    engine.drawn = []
    PictureFolder(engine, 2, size=16).render((0,) * 8, out, ABOUT)
    assert engine.drawn == []


def test_too_few_pictures_are_no_class(tmp_path, simulator):
    class Short(Dying):
        def _batches(self, class_ids, batches):
            yield from ((pictures[:1], numbers[:1]) for pictures, numbers in batches)

    with pytest.raises(InputError, match="gave 1 pictures of mug, not 2"):
        PictureFolder(Short(simulator, None), 2, size=16).render((0,) * 8, tmp_path / "out", ABOUT)
    assert not (tmp_path / "out" / "mug").exists()
    assert not (tmp_path / "out" / "dataset.json").exists()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"images_per_class": 3}, "images_per_class"),
        ({"size": 24}, "size"),
        ({"seed": 1}, "seed"),
        ({"classes": 2}, "classes"),
        ({"setting": (1,) + (0,) * 7}, "settings"),
        ({"about": {"task": "another", "policy": "0123"}}, "task"),
    ],
)
def test_a_folder_that_holds_another_set_is_refused(tmp_path, simulator, change, name):
    def render(setting=(0,) * 8, about=ABOUT, **options):
        options = {"images_per_class": 2, "classes": 1, "size": 16} | options
        PictureFolder(simulator, **options).render(setting, tmp_path / "out", about)

    render()
    before = bytes_below(tmp_path / "out")
    with pytest.raises(InputError, match=f"holds another set, which differs in {name}; give a new folder"):
        render(**change)
    assert bytes_below(tmp_path / "out") == before


def test_a_folder_of_other_files_is_refused(tmp_path, simulator):
    pictures = PictureFolder(simulator, 1, classes=1, size=16)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"it holds other files \(notes\.txt\); give a new or an empty folder"):
        pictures.render((0,) * 8, tmp_path)
    for text in ("{}", "not JSON", "[1]"):
        (tmp_path / "dataset.json").write_text(text)
        with pytest.raises(InputError, match=r"dataset\.json: it .*give a new folder"):
            pictures.render((0,) * 8, tmp_path)
    with pytest.raises(InputError, match=r"notes\.txt cannot be written"):
        pictures.render((0,) * 8, tmp_path / "notes.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset.json", "notes.txt"]


def test_what_cannot_be_rendered_is_refused_before_a_folder_is_made(tmp_path, simulator):
    for options, message in (
        ({"images_per_class": 0}, "images_per_class is 0"),
        ({"images_per_class": 1, "classes": 5}, "5 classes are asked for; the simulator has 4"),
        ({"images_per_class": 1, "classes": 0}, "0 classes are asked for"),
        ({"images_per_class": 1, "size": 4}, "4"),
    ):
        with pytest.raises(InputError, match=message):
            PictureFolder(simulator, **options)
    with pytest.raises(InputError, match="7 values; wanted 8"):
        PictureFolder(simulator, 1, size=16).render((0,) * 7, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_mitsuba_renders_a_set_too(tmp_path):
    pytest.importorskip("mitsuba")
    engine = MitsubaSimulator(8, ProceduralLibrary(["mug", "car"], meshes_per_class=1), samples_per_pixel=1)
    out = PictureFolder(engine, 1, size=8).render((0,) * 8, tmp_path / "out")
    assert sorted(bytes_below(out)) == ["car/00000.png", "dataset.json", "mug/00000.png"]
    assert json.loads((out / "dataset.json").read_text())["simulator"]["name"] == "MitsubaSimulator"
