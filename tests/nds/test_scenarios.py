"""The dataservers and clients of the chapter's experiments."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from PIL import Image
from scipy.io import savemat

from ndslib.core.errors import InputError
from ndslib.data import loaders
from ndslib.data.images import decode
from ndslib.nds.dataset import Source
from ndslib.nds.experiments import Settings
from ndslib.nds.scenarios import (
    PAPER_CLIENTS,
    PROCEDURAL_DOMAINS,
    SCENARIOS,
    Client,
    Scenario,
    load_scenario,
)


def ids(table: pa.Table) -> set[str]:
    return set(table["id"].to_pylist())


def classes(table: pa.Table) -> set[str]:
    return set(table["label"].to_pylist())


def per_class(table: pa.Table) -> dict[str, int]:
    return {each["values"]: each["counts"] for each in table["label"].value_counts().to_pylist()}


def check_disjoint(scenario: Scenario) -> None:
    """No image is in two places, by its id or its uri; a client is tested on the classes that it trains on."""
    tables = [scenario.table] + [part for client in scenario.clients for part in (client.train, client.test)]
    for column in ("id", "uri"):
        values = [value for table in tables for value in table[column].to_pylist()]
        assert len(set(values)) == len(values)
    for client in scenario.clients:
        assert classes(client.train) == classes(client.test)
        assert client.domain is None or client.domain in {source.name for source in scenario.sources}


def check_balanced(client: Client) -> None:
    """All classes have as many training images, and enough test images to count."""
    train, test = per_class(client.train), per_class(client.test)
    assert len(set(train.values())) == 1
    assert min(test.values()) >= 10


def held_out(scenario: Scenario, client: Client) -> bool:
    own = next(source for source in scenario.sources if source.name == client.domain)
    return classes(own.table).isdisjoint(classes(client.train))


@pytest.mark.usefixtures("drawn_once")
def test_procedural_splits_are_disjoint_and_classes_held_out():
    scenario = load_scenario("procedural")
    assert [source.name for source in scenario.sources] == list(PROCEDURAL_DOMAINS)
    assert [client.name for client in scenario.clients] == [*PROCEDURAL_DOMAINS, "digits"]
    assert [source.k for source in scenario.sources] == [2] * 4
    check_disjoint(scenario)
    for client in scenario.clients:
        assert client.name == "digits" or held_out(scenario, client)
        check_balanced(client)
    assert all(set(per_class(source.table).values()) == {40} for source in scenario.sources)
    assert scenario.table.num_rows == 4 * 12 * 40
    digits = scenario.client("digits")
    assert digits.domain is None
    assert classes(digits.train) == {str(digit) for digit in range(10)}


@pytest.mark.usefixtures("drawn_once")
def test_the_seed_moves_the_clients_and_not_the_server():
    first, again, other = (load_scenario("procedural", seed) for seed in (0, 0, 1))
    assert first.table.equals(other.table)
    for client in first.clients:
        assert client.train.equals(again.client(client.name).train)
        assert client.test.equals(again.client(client.name).test)
        assert ids(client.train) != ids(other.client(client.name).train)
        assert classes(client.train) == classes(other.client(client.name).train)


@pytest.mark.usefixtures("drawn_once")
def test_k_of_single_datasets_is_replaced():
    scenario = load_scenario("procedural", k={"glyphs": 5})
    experts = {source.name: source.k for source in scenario.sources}
    assert experts == dict.fromkeys(PROCEDURAL_DOMAINS, 2) | {"glyphs": 5}
    with pytest.raises(InputError, match=r"K is given for \['imagenet'\], but .* indexes \['glyphs'"):
        load_scenario("procedural", k={"imagenet": 5})


@pytest.mark.usefixtures("drawn_once")
def test_unknown_names():
    with pytest.raises(InputError, match=r"scenario is 'mars'; choose one of .*procedural"):
        load_scenario("mars")
    with pytest.raises(InputError, match=r"has no client 'cats'; it has .*'digits'"):
        load_scenario("procedural").client("cats")


def test_real_without_data_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere/cifar10/train, which is absent: set NDSLIB_DATA"):
        load_scenario("real")


def test_real_is_disjoint_down_to_the_drives(shared_data):
    scenario = load_scenario("real")
    check_disjoint(scenario)
    names = ["cifar10", "pacs_photo", "pacs_cartoon", "pacs_sketch", "omniglot", "camvid"]
    assert [source.name for source in scenario.sources] == names
    assert [client.name for client in scenario.clients] == [
        "cifar10",
        "photo",
        "cartoon",
        "sketch",
        "omniglot",
        "camvid",
        "digits",
    ]
    for client in scenario.clients:
        # CamVid's client shares the classes of street scenes with the server, from another drive.
        assert client.name in ("camvid", "digits") or held_out(scenario, client)
        check_balanced(client)
    assert classes(scenario.client("cifar10").train) == {"automobile", "dog", "frog", "truck"}
    assert len(classes(scenario.client("omniglot").train)) == 26  # Latin letters


def test_real_camvid_keeps_drives_and_times_apart(shared_data):
    scenario = load_scenario("real")
    client = scenario.client("camvid")
    server = next(source for source in scenario.sources if source.name == "camvid").table

    def frames(table: pa.Table) -> list[str]:
        return [uri.split("#")[0].rsplit("/", 1)[-1] for uri in table["uri"].to_pylist()]

    drives = {name.split("_")[0] for name in frames(server)}
    assert drives == {"0006R0", "0016E5"}
    assert {name.split("_")[0] for name in frames(client.train) + frames(client.test)} == {"0001TP"}
    assert max(frames(client.train)) < min(frames(client.test))
    assert classes(client.train) == classes(client.test) == {"building", "road", "sky"}


def test_real_seeds_move_the_clients_and_not_the_server(shared_data):
    first, other = load_scenario("real", 0), load_scenario("real", 1)
    assert first.table.equals(other.table)
    for client in first.clients:
        assert ids(client.train) != ids(other.client(client.name).train)


def picture(path, colour: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 36), (colour, 60, 30)).save(path)


def cells(names: list[str]) -> np.ndarray:
    column = np.empty((len(names), 1), dtype=object)
    column[:, 0] = names
    return column


def write_imagenet(root) -> None:
    root.mkdir(parents=True)
    for batch in (1, 2):
        data = np.random.default_rng(batch).integers(0, 256, (3, 3072), dtype=np.uint8)
        np.savez(root / f"train_data_batch_{batch}.npz", data=data, labels=[1, 2, 1000], mean=np.zeros(3072))


def write_dogs(root) -> None:
    names = [f"n0{breed}-breed_{breed}/n0{breed}_{number}.jpg" for breed in (1, 2) for number in range(3)]
    for name in names:
        picture(root / "Images" / name)
    savemat(root / "train_list.mat", {"file_list": cells(names[:2] + names[3:5])})
    savemat(root / "test_list.mat", {"file_list": cells([names[2], names[5]])})


def write_cars(root) -> None:
    place = root / "stanford_cars"
    (place / "devkit").mkdir(parents=True)
    kind = np.dtype([("class", object), ("fname", object)])
    lists = {
        "cars_train": place / "devkit" / "cars_train_annos.mat",
        "cars_test": place / "cars_test_annos_withlabels.mat",
    }
    for folder, listing in lists.items():
        savemat(listing, {"annotations": np.array([[(1, "00001.jpg"), (2, "00002.jpg")]], dtype=kind)})
        for name in ("00001.jpg", "00002.jpg"):
            picture(place / folder / name)
    savemat(place / "devkit" / "cars_meta.mat", {"class_names": cells(["AM General Hummer", "Acura RL"]).T})


def write_pets(root) -> None:
    place = root / "oxford-iiit-pet"
    (place / "annotations").mkdir(parents=True)
    for split, number in (("trainval", 1), ("test", 2)):
        lines = [f"Abyssinian_{number} 1 1 1", f"american_bulldog_{number} 2 2 1"]
        (place / "annotations" / f"{split}.txt").write_text("\n".join(lines) + "\n")
        for name in ("Abyssinian", "american_bulldog"):
            picture(place / "images" / f"{name}_{number}.jpg")


def write_flowers(root) -> None:
    place = root / "flowers-102"
    for number in range(1, 7):
        picture(place / "jpg" / f"image_{number:05d}.jpg")
    savemat(place / "imagelabels.mat", {"labels": [[1, 2, 1, 2, 1, 2]]})
    savemat(place / "setid.mat", {"trnid": [[1, 2]], "valid": [[3, 4]], "tstid": [[5, 6]]})


def write_birds(root) -> None:
    place = root / "CUB_200_2011"
    names = [f"00{kind}.Bird_{kind}/bird_{number}.jpg" for kind in (1, 2) for number in (1, 2)]
    for name in names:
        picture(place / "images" / name)
    numbered = [f"{number} {name}" for number, name in enumerate(names, 1)]
    lists = {
        "images.txt": numbered,
        "classes.txt": ["1 001.Bird_1", "2 002.Bird_2"],
        "image_class_labels.txt": ["1 1", "2 1", "3 2", "4 2"],
        "train_test_split.txt": ["1 1", "2 0", "3 1", "4 0"],
    }
    for file, lines in lists.items():
        (place / file).write_text("\n".join(lines) + "\n")


def test_imagenet32_reads_the_providers_formats_by_their_manifests(tmp_path, monkeypatch):
    """The paper's own setting, on trees of a few images in the true formats: every manifest, loader and split fits."""
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    writers = {
        "downsampled_imagenet": write_imagenet,
        "stanford_dogs": write_dogs,
        "stanford_cars": write_cars,
        "oxford_pets": write_pets,
        "flowers102": write_flowers,
        "cub200": write_birds,
    }
    for name, write in writers.items():
        write(tmp_path / name)
    # torchvision compares the lists with the published checksums; lists written here cannot have them.
    monkeypatch.setattr("torchvision.datasets.Flowers102._check_integrity", lambda self: True)
    scenario = load_scenario("imagenet32")
    (server,) = scenario.sources
    assert (server.name, server.k, server.table.num_rows, scenario.size) == ("downsampled_imagenet", 10, 6, 32)
    assert [client.name for client in scenario.clients] == list(PAPER_CLIENTS)
    check_disjoint(scenario)
    sizes = {client.name: (client.train.num_rows, client.test.num_rows) for client in scenario.clients}
    assert sizes == {
        "Stanford Dogs": (4, 2),
        "Stanford Cars": (2, 2),
        "Oxford-IIIT Pets": (2, 2),
        "Flowers 102": (4, 2),  # the provider's train and val together, as in NDS-S Table 3
        "CUB200 Birds": (2, 2),
    }
    for client in scenario.clients:
        assert pc.is_null(client.train["label"]).to_pylist().count(True) == 0
        assert len(classes(client.train)) == 2
        assert decode(client.test, scenario.size).pixels.shape == (2, 3, 32, 32)
    assert decode(scenario.table, 32).pixels.shape == (6, 3, 32, 32)


def test_imagenet32_without_data_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    with pytest.raises(InputError, match="downsampled_imagenet: no such folder"):
        load_scenario("imagenet32")


def test_unreadable_images_stop_a_run_or_are_left_out_and_named(tmp_path, monkeypatch):
    for number in range(6):
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), 40 * number, np.uint8)).save(tmp_path / "a" / f"{number}.png")
    table = loaders.image_folder(tmp_path, "shelf", "train")
    (tmp_path / "a" / "4.png").write_bytes(b"no image")
    scenario = Scenario("small", 8, (Source(table, 1),), (Client("one", table.slice(0, 3), table.slice(3, 2), None),))
    monkeypatch.setitem(SCENARIOS, "small", lambda seed: scenario)
    assert Settings("small").load().table.num_rows == 6, "the default leaves it to the decoder, which stops"
    with pytest.warns(UserWarning, match=r"1 of (6|2) images are left out.*4\.png"):
        readable = Settings("small", on_corrupt="skip").load()
    assert readable.table.num_rows == 5
    assert [readable.clients[0].train.num_rows, readable.clients[0].test.num_rows] == [3, 1]
    assert not any("4.png" in uri for uri in readable.table["uri"].to_pylist())
