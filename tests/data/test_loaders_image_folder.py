import pyarrow.compute as pc
import pytest

from ndslib.core.errors import InputError
from ndslib.data.images import decode
from ndslib.data.loaders import image_folder


@pytest.fixture
def tree(tmp_path, write_image):
    write_image(tmp_path / "train" / "dog" / "b.jpg", (10, 20))
    write_image(tmp_path / "train" / "dog" / "deep" / "a.PNG", (3, 4))
    write_image(tmp_path / "train" / "cat" / "z.jpeg", (5, 5))
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "train" / "cat" / "._z.jpeg").write_bytes(b"what macOS leaves in archives")
    (tmp_path / "train" / ".cache").mkdir()
    return tmp_path


def test_rows_are_sorted_and_complete(tree):
    table = image_folder(tree / "train", "pets", "train", "CC0-1.0")
    assert table["id"].to_pylist() == ["pets/train/cat/z.jpeg", "pets/train/dog/b.jpg", "pets/train/dog/deep/a.PNG"]
    assert table["label"].to_pylist() == ["cat", "dog", "dog"]
    assert table["width"].to_pylist() == [5, 10, 3]
    assert table["height"].to_pylist() == [5, 20, 4]
    assert table["bytes"][0].as_py() == (tree / "train" / "cat" / "z.jpeg").stat().st_size
    assert table["uri"][1].as_py() == str(tree / "train" / "dog" / "b.jpg")
    assert set(table["licence"].to_pylist()) == {"CC0-1.0"}
    assert decode(table, 8).pixels.shape == (3, 3, 8, 8)


def test_uris_are_absolute_from_a_relative_root(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert image_folder("train", "pets", "train")["uri"][0].as_py() == str(tree / "train" / "cat" / "z.jpeg")


def test_folders_name_the_splits(tree):
    folders = {"train": "train", "test": "held_out"}
    assert image_folder(tree, "pets", "train", folders=folders).num_rows == 3
    with pytest.raises(InputError, match=r"pets.*no split 'val'.*'test', 'train'"):
        image_folder(tree, "pets", "val", folders=folders)
    with pytest.raises(InputError, match=r"held_out: no such folder; fetch"):
        image_folder(tree, "pets", "test", folders=folders)


def test_an_empty_class_is_named_unless_allowed(tree):
    (tree / "train" / "axolotl").mkdir()
    with pytest.raises(InputError, match=r"train/axolotl: the class 'axolotl' has no image.*allow_empty"):
        image_folder(tree / "train", "pets", "train")
    assert image_folder(tree / "train", "pets", "train", allow_empty=True).num_rows == 3


def test_a_link_back_to_a_folder_above_it_gives_no_image_twice(tmp_path, write_image):
    write_image(tmp_path / "cat" / "deep" / "a.png")
    write_image(tmp_path / "dog" / "b.png")
    links = {"cat/self": "cat", "cat/deep/up": "cat", "cat/other": "dog", "dog/other": "cat", "pets": "dog"}
    for link, target in links.items():
        (tmp_path / link).symlink_to(tmp_path / target)
    ids = image_folder(tmp_path, "pets", "train")["id"].to_pylist()
    own = ["cat/deep/a.png", "cat/other/b.png", "dog/b.png", "dog/other/deep/a.png"]
    assert ids == [f"pets/train/{name}" for name in [*own, "pets/b.png", "pets/other/deep/a.png"]]


def test_gifs_are_images_too(tmp_path, write_image):
    write_image(tmp_path / "cat" / "a.gif", (6, 5))
    table = image_folder(tmp_path, "pets", "train")
    assert (table["width"].to_pylist(), table["height"].to_pylist()) == ([6], [5])
    assert decode(table, 4).pixels.shape == (1, 3, 4, 4)


def test_the_remedy_is_the_callers(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match=r"; ask your neighbour$"):
            image_folder(folder, "pets", "train", remedy="ask your neighbour")


def test_a_tree_without_classes_or_images_is_refused(tmp_path, write_image):
    write_image(tmp_path / "flat" / "a.jpg")
    with pytest.raises(InputError, match="flat: it holds no class folder"):
        image_folder(tmp_path / "flat", "pets", "train")
    (tmp_path / "empty" / "cat").mkdir(parents=True)
    with pytest.raises(InputError, match="none of its 1 class folders holds an image"):
        image_folder(tmp_path / "empty", "pets", "train", allow_empty=True)


def test_unreadable_headers_are_named_and_counted_and_the_policy_decides(tree):
    bad = tree / "train" / "dog" / "broken.jpg"
    bad.write_bytes(b"no jpeg")
    (tree / "train" / "dog" / "empty.png").touch()
    with pytest.raises(InputError, match=r"2 of 5 images are unreadable: .*broken\.jpg.*empty\.png"):
        image_folder(tree / "train", "pets", "train")
    with pytest.warns(UserWarning, match=r"2 of 5 images.*broken\.jpg"):
        table = image_folder(tree / "train", "pets", "train", on_corrupt="skip")
    assert table.num_rows == 3
    with pytest.raises(InputError, match="on_corrupt is 'ignore'"):
        image_folder(tree / "train", "pets", "train", on_corrupt="ignore")


def test_skipping_everything_is_an_error(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="1 of 1 images are unreadable"):
        image_folder(tmp_path, "pets", "train", on_corrupt="skip")


def test_many_files_keep_their_order(tmp_path, write_image):
    for number in range(600):  # over the block size of the threads
        write_image(tmp_path / "c" / f"{number:04d}.png", (1 + number, 2))
    table = image_folder(tmp_path, "many", "train")
    assert table["width"].to_pylist() == list(range(1, 601))


def test_pixels_are_not_decoded(tmp_path, write_image):
    path = write_image(tmp_path / "c" / "cut.png", (300, 200))
    path.write_bytes(path.read_bytes()[:60])  # the header is whole, the pixels are gone
    table = image_folder(tmp_path, "cut", "train")
    assert (table["width"][0].as_py(), table["height"][0].as_py()) == (300, 200)
    with pytest.raises(InputError, match=r"cut\.png"):
        decode(table, 8)


def test_real_cifar10_and_pacs(shared_data):
    cifar = image_folder(shared_data / "cifar10", "cifar10", "test", folders={"train": "train", "test": "test"})
    assert cifar.num_rows == 4000
    assert {entry["counts"] for entry in cifar["label"].value_counts().to_pylist()} == {400}
    assert pc.unique(cifar["width"]).to_pylist() == [32]
    domains = [image_folder(shared_data / "pacs" / name, name, "train") for name in ("photo", "cartoon", "sketch")]
    assert sum(table.num_rows for table in domains) == 7943
    assert {len(pc.unique(table["label"])) for table in domains} == {7}
