import numpy as np
import pytest
import yaml

from ndslib.core.errors import InputError
from ndslib.data import loaders, manifests, sample_table
from ndslib.data.loaders.torchvision_dataset import INSTEAD


@pytest.fixture
def manifest(tmp_path):
    """Writes and reads a manifest with the given loader."""

    def make(loader, splits, **loader_args):
        document = {
            "name": "pets",
            "title": "Pets",
            "home_page": "https://example.org",
            "licence": "CC0-1.0",
            "terms": "none",
            "citation": "none",
            "task": "classification",
            "metric": "Top-1",
            "classes": 2,
            "splits": {name: {"images": 2, **extra} for name, extra in splits.items()},
            "access": "login",
            "steps": ["ask"],
            "loader": loader,
            "loader_args": loader_args,
            "stand_in": "digits",
            "used_by": ["NDS"],
        }
        path = tmp_path / "pets.yaml"
        path.write_text(yaml.safe_dump(document))
        return manifests.load(path)

    return make


@pytest.fixture
def tree(tmp_path, write_image):
    for split in ("a", "b"):
        for name in ("cat/1.png", "dog/2.png"):
            write_image(tmp_path / "data" / split / name)
    return tmp_path / "data"


def test_the_manifests_loader_and_arguments_are_used(manifest, tree):
    folders = {"train": "a", "test": "b"}
    table = loaders.load(manifest("image_folder", {"train": {}, "test": {}}, folders=folders), tree, "test")
    assert table["id"].to_pylist() == ["pets/test/cat/1.png", "pets/test/dog/2.png"]
    assert set(table["licence"].to_pylist()) == {"CC0-1.0"}
    assert str(tree / "b") in table["uri"][0].as_py()
    assert table.schema == sample_table.validate(table).schema


def test_a_union_of_splits_follows_in_order(manifest, tree):
    splits = {"train": {}, "test": {}, "all": {"parts": ["train", "test"]}}
    table = loaders.load(manifest("image_folder", splits, folders={"train": "a", "test": "b"}), tree, "all")
    assert table["split"].to_pylist() == ["train", "train", "test", "test"]


def test_options_go_over_the_manifests(manifest, tree):
    (tree / "a" / "cat" / "broken.png").write_bytes(b"")
    described = manifest("image_folder", {"train": {}}, folders={"train": "a"})
    with pytest.raises(InputError, match=r"broken\.png"):
        loaders.load(described, tree, "train")
    with pytest.warns(UserWarning, match=r"broken\.png"):
        assert loaders.load(described, tree, "train", on_corrupt="skip").num_rows == 2


def test_torchvision_classes_by_name(manifest, tmp_path, write_image):
    place = tmp_path / "dtd" / "dtd"
    write_image(place / "images" / "banded" / "banded_1.jpg")
    (place / "labels").mkdir()
    (place / "labels" / "test1.txt").write_text("banded/banded_1.jpg\n")
    described = manifest("torchvision:DTD", {"held_out": {"loader_args": {"split": "test"}}}, partition=1)
    table = loaders.load(described, tmp_path, "held_out", on_corrupt="raise")
    assert (table["label"][0].as_py(), table["split"][0].as_py()) == ("banded", "test")


def test_mistakes_in_manifests_are_named(manifest, tree):
    with pytest.raises(InputError, match=r"'pets': no loader 'image_folders'; the loaders are .*image_folder"):
        loaders.load(manifest("image_folders", {"train": {}}), tree, "train")
    with pytest.raises(InputError, match=r"'pets': loader image_folder: .*'colour'; it takes root, dataset"):
        loaders.load(manifest("image_folder", {"train": {}}, colour=True), tree, "train")
    with pytest.raises(InputError, match="no split 'val'"):
        loaders.load(manifest("image_folder", {"train": {}}), tree, "val")
    with pytest.raises(InputError, match="no_such_dataset"):
        loaders.load("no_such_dataset", tree, "train")


def test_a_manifest_by_name_reads_the_format(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    record = np.concatenate([[6], np.zeros(3072)]).astype(np.uint8)
    (folder / "test_batch.bin").write_bytes(record.tobytes())
    (folder / "batches.meta.txt").write_text("airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n")
    assert loaders.load("cifar10", tmp_path, "test")["label"].to_pylist() == ["frog"]


@pytest.mark.parametrize("name", manifests.names())
def test_every_manifest_uses_what_this_package_accepts(name):
    described = manifests.load(name)
    assert described.loader.removeprefix("torchvision:") not in INSTEAD
    if described.loader in loaders.__all__:
        calls = [call for split in described.splits for call in manifests.loader_calls(described, split)]
        assert {call["split"] for call in calls} <= set(sample_table.SPLITS)
