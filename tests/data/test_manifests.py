import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torchvision
import yaml

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data import loaders, manifests

MANIFESTS = manifests.load_all()

# NDS-S Table 3, row by row.
TABLE_3 = [
    ("Downsampled ImageNet", "1281167", "1000", "classification", "-"),
    ("OpenImages", "1743042", "601(bbox) / 300(mask)", "detection", "-"),
    ("COCO", "118287", "80", "detection", "-"),
    ("VOC2007", "5011(trainval) / 4962(test)", "20", "detection", "mAP"),
    ("miniModaNets", "1000(train) / 1000(val)", "13", "detection", "mAP"),
    ("Cityscapes", "2975(train) / 500(val)", "8", "detection", "mAP"),
    ("Stanford Dogs", "12000(train) / 8580(val)", "120", "classification", "Top-1"),
    ("Stanford Cars", "8144(train) / 8041(val)", "196", "classification", "Top-1"),
    ("Oxford-IIIT Pets", "3680(train) / 3369(val)", "37", "classification", "Top-1"),
    ("Flowers 102", "2040(train) / 6149(val)", "102", "classification", "Top-1"),
    ("CUB200 Birds", "5994(train) / 5794(val)", "200", "classification", "Top-1"),
]
# Task2Sim, section 4.1, under the names of the authors' released files.
SEEN = [
    "CropDisease",
    "Flowers102",
    "DeepWeeds",
    "EuroSAT",
    "Resisc45",
    "SVHN",
    "Omniglot",
    "ISIC",
    "ChestX",
    "Kaokore",
    "Sketch",
    "DTD",
]
UNSEEN = ["CUB", "AID", "CactusAerial", "USPS", "ChestXPneumonia", "PacsC", "PacsS", "FMD"]
# What else the sources train or test on, and what the presets read.
OTHERS = [
    "coco",
    "openimages",
    "cityscapes",
    "kitti",
    "kitti_instances",
    "lvs",
    "davis2016",
    "youtube_vos",
    "cifar100",
    "inaturalist2017",
    "places365",
    "imagenet",
    "downsampled_imagenet",
    "modanet",
    "cifar10",
    "pacs",
    "omniglot",
    "camvid",
    "digits",
]


def write(folder: Path, **changes: object) -> Path:
    """A valid manifest with `changes` made; a change to `None` removes the key."""
    entry = {
        "name": "toy",
        "title": "Toy",
        "home_page": "https://example.org/toy",
        "licence": "CC0-1.0",
        "terms": "none",
        "citation": "nobody, 2020",
        "task": "classification",
        "metric": "Top-1",
        "classes": 2,
        "splits": {"train": {"images": 3}},
        "access": "open",
        "files": [{"path": "a.zip", "url": "https://example.org/a.zip", "extract_to": "."}],
        "loader": "image_folder",
        "stand_in": "digits",
        "used_by": ["NDS"],
    }
    entry = {key: value for key, value in (entry | changes).items() if value is not None}
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(entry))
    return path


def test_every_dataset_of_the_sources_has_a_manifest() -> None:
    assert set(OTHERS) <= set(MANIFESTS)
    assert list(MANIFESTS) == manifests.names() == sorted(MANIFESTS)


def test_summary_table_is_table_3_of_the_paper_row_by_row() -> None:
    table = manifests.summary_table()
    assert list(table.columns) == ["Dataset", "Images", "Class", "Task", "Evaluation Metric"]
    assert [tuple(row) for row in table.itertuples(index=False)] == TABLE_3


def test_manifests_agree_with_the_reported_numbers_of_table_3() -> None:
    reported = pd.read_csv(paths.manifests_root() / "reported" / "ndss-t3.csv")
    expected = {(row.row, row.column): row.value for row in reported.itertuples() if row.unit in ("images", "classes")}
    ours: dict[tuple[str, str], int] = {}
    for manifest in MANIFESTS.values():
        if row := manifest.ndss_t3:
            for label, split in row.splits.items():
                column = "images" if len(row.splits) == 1 else f"images ({label})"
                ours[row.dataset, column] = manifest.splits[split].images
            for name in row.class_sets:
                ours[row.dataset, f"classes ({name})"] = manifest.class_sets[name]
            if not row.class_sets:
                ours[row.dataset, "classes"] = manifest.classes
    assert ours == expected


def test_the_twenty_tasks_of_task2sim_are_there_once_each() -> None:
    tasks = {task: m for m in MANIFESTS.values() for task in m.t2s_tasks}
    assert sorted(task for m in MANIFESTS.values() for task in m.t2s_tasks) == sorted(SEEN + UNSEEN)
    assert all("T2S seen" in tasks[task].used_by for task in SEEN)
    assert all("T2S unseen" in tasks[task].used_by for task in UNSEEN)


def test_the_task_names_are_those_of_the_released_file(shared_data: Path) -> None:
    with np.load(shared_data / "task2sim" / "task2vec_resnet18.npz") as released:
        assert sorted(released.files) == sorted(SEEN + UNSEEN)


@pytest.mark.parametrize(
    ("name", "split", "images", "classes"),
    [
        ("inaturalist2017", "train", 579184, 5089),
        ("inaturalist2017", "val", 95986, 5089),
        ("places365", "train", 1803460, 365),
        ("places365", "val", 21700, 365),
        ("davis2016", "trainval", 3455, 1),
        ("lvs", "all", 1600000, 8),
    ],
)
def test_the_thesis_counts(name: str, split: str, images: int, classes: int) -> None:
    assert (MANIFESTS[name].splits[split].images, MANIFESTS[name].classes) == (images, classes)


def test_a_union_holds_as_many_images_as_its_parts() -> None:
    unions = [(m, split) for m in MANIFESTS.values() for split in m.splits.values() if split.parts]
    assert len(unions) >= 2
    for manifest, split in unions:
        assert split.images == sum(manifest.splits[part].images for part in split.parts)


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_loader_exists_and_takes_the_arguments_of_every_split(name: str) -> None:
    manifest = MANIFESTS[name]
    kind, _, loader = manifest.loader.rpartition(":")
    if kind == "torchvision":
        assert loader in torchvision.datasets.__all__
        function = getattr(torchvision.datasets, loader)
    else:
        assert loader in loaders.__all__
        function = getattr(loaders, loader)
    for split in manifest.splits:
        for arguments in manifests.loader_calls(manifest, split):
            inspect.signature(function).bind(root="folder", **arguments)
            assert kind == "torchvision" or arguments["split"] in ("train", "val", "test")


@pytest.mark.parametrize("name", MANIFESTS)
def test_checksums_said_to_be_torchvisions_stand_in_its_source(name: str) -> None:
    manifest = MANIFESTS[name]
    if (manifest.checksums_from or "").startswith("torchvision"):
        source = "".join(p.read_text() for p in Path(torchvision.datasets.__file__).parent.glob("*.py"))
        published = [file.md5 for file in manifest.files if file.md5]
        assert published
        assert all(md5 in source for md5 in published)


def test_loader_calls_expand_unions_and_add_what_our_loaders_take() -> None:
    assert manifests.loader_calls(MANIFESTS["flowers102"], "train") == [{"split": "train"}, {"split": "val"}]
    (call,) = manifests.loader_calls(MANIFESTS["voc2007"], "trainval")
    assert call["dataset"] == "voc2007"
    assert (call["split"], call["image_set"], call["folder"]) == ("train", "trainval", "VOCdevkit/VOC2007")
    with pytest.raises(InputError, match="cifar10 has no split 'validation'; its splits are train, test"):
        manifests.loader_calls(MANIFESTS["cifar10"], "validation")


def test_load_takes_a_path(tmp_path: Path) -> None:
    manifest = manifests.load(write(tmp_path))
    assert manifest.name == "toy"
    assert manifest.splits["train"].images == 3


def test_an_unknown_dataset_is_named_with_those_that_look_like_it() -> None:
    with pytest.raises(InputError, match=r"cifar11\.yaml: did you mean cifar10.* the datasets are .*coco"):
        manifests.load("cifar11")


@pytest.mark.parametrize(
    ("changes", "key", "valid"),
    [
        ({"license": "CC0-1.0"}, "license", "licence"),
        ({"splits": {"train": {"images": 3, "imgs": 4}}}, "splits.train.imgs", "images, classes, note"),
        ({"files": [{"path": "a", "url": "https://a.org", "sha1": "0"}]}, "files.0.sha1", "sha256, md5"),
        (
            {"ndss_t3": {"row": 1, "dataset": "Toy", "splits": {"train": "train"}, "order": 2}},
            "ndss_t3.order",
            "row, dataset",
        ),
    ],
)
def test_an_unknown_key_is_named_with_the_file_and_the_valid_keys(
    tmp_path: Path, changes: dict[str, object], key: str, valid: str
) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        manifests.load(path)
    assert f"{path}: unknown key {key!r}; the valid keys are " in str(caught.value)
    assert valid in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"licence": None}, "licence: Field required"),
        ({"classes": "many"}, r"classes: Input should be a valid integer.*got 'many'"),
        ({"classes": 0}, "classes: Input should be greater than or equal to 1"),
        ({"task": "guessing"}, "task: Input should be 'classification'"),
        ({"access": "login"}, "list the exact steps"),
        ({"access": "unavailable"}, "say why under `reason`"),
        ({"files": [{"path": "a.zip"}]}, "every file needs a url"),
        ({"files": [{"path": "a", "url": "https://a.org", "md5": "0" * 32}]}, "`checksums_from`"),
        ({"files": [{"path": "a", "url": "https://a.org", "md5": "abc"}]}, r"files\.0\.md5: String should match"),
        ({"files": [{"path": "../a", "url": "https://a.org"}]}, "leaves the dataset's folder"),
        ({"files": [{"path": "/etc/a", "url": "https://a.org"}]}, "leaves the dataset's folder"),
        ({"files": [{"path": "a", "url": "file:///etc/passwd"}]}, r"files\.0\.url: String should match"),
        ({"files": [{"path": "a.txt", "url": "https://a.org", "extract_to": "."}]}, "has extract_to but is none of"),
        ({"files": [{"path": "a", "url": "https://a.org"}] * 2}, "two files have the same path"),
        ({"splits": {"all": {"images": 3, "parts": ["left"]}}}, r"\['left'\] are not in `splits`"),
        ({"splits": {}}, "splits: Dictionary should have at least 1 item"),
        ({"name": "other"}, "name is 'other' but the file is called 'toy'"),
    ],
)
def test_wrong_values_are_refused_with_the_file_and_the_reason(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as caught:
        manifests.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["name: [", "just text", ""])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "toy.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=str(path)):
        manifests.load(path)
