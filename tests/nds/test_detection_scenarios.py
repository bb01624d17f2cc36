"""The dataservers and clients of the detection experiments."""

import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.data import images
from ndslib.data.detection_images import DetectionImages, union_of_classes
from ndslib.data.objects import class_names
from ndslib.nds.detection_scenarios import CLIENTS, EXPERTS, PUBLISHED, SERVERS, Extent, load_scenario
from ndslib.nds.detection_transfer import server_part

SMALL = Extent(server=7, train=4, test=3, side=32, expert_side=16, labelled=1)


def ids(table: pa.Table) -> list[str]:
    return table["id"].to_pylist()


@pytest.mark.usefixtures("drawn_once")
def test_drawn_datasets_have_masks_and_share_no_mesh():
    scenario = load_scenario("procedural", SMALL)
    assert [source.name for source in scenario.sources] == list(SERVERS)
    assert [client.name for client in scenario.clients] == list(CLIENTS)
    assert [source.k for source in scenario.sources] == [EXPERTS["scenes_a"], EXPERTS["scenes_b"]]
    assert [source.table.num_rows for source in scenario.sources] == [7, 7]
    everything = [scenario.table, *(part for client in scenario.clients for part in (client.train, client.test))]
    assert len({name for table in everything for name in ids(table)}) == sum(table.num_rows for table in everything)
    for client in scenario.clients:
        # the worlds' parts share no mesh: the server's, the clients' training and their test pictures are of one each
        parts = [{name.split("/")[2] for name in ids(table)} for table in (scenario.table, client.train, client.test)]
        assert parts == [{"train"}, {"val"}, {"test"}]
        assert set(class_names(client.train)) <= {name for kind in CLIENTS[client.name].values() for name in kind}
        assert (client.train.num_rows, client.test.num_rows) == (4, 3)
    images_of = DetectionImages(scenario.table, union_of_classes([scenario.table]), masks=True)
    image, target = images_of[0]
    assert image.shape == (3, 32, 32)
    assert target["masks"].shape[0] == len(target["boxes"]) >= 2


@pytest.mark.usefixtures("drawn_once")
def test_images_are_spread_over_the_kinds_of_places():
    scenario = load_scenario("procedural", SMALL)
    kinds = [name.split("/")[1] for name in ids(scenario.sources[0].table)]
    assert {kind: kinds.count(kind) for kind in kinds} == {"street": 2, "table_top": 2, "room": 2, "farm": 1}


@pytest.mark.usefixtures("drawn_once")
def test_the_seed_moves_training_images_alone():
    first, other = (load_scenario("procedural", SMALL, seed) for seed in (0, 1))
    assert first.table.equals(other.table)
    for client in first.clients:
        assert client.test.equals(other.client(client.name).test)
        assert not client.train.equals(other.client(client.name).train)


@pytest.mark.usefixtures("drawn_once")
def test_labelled_pictures_stand_for_imagenet():
    labelled = load_scenario("procedural", SMALL).labelled
    assert (labelled.num_rows, labelled["label"].null_count) == (32, 0)
    assert set(labelled["split"].to_pylist()) == {"train"}


@pytest.mark.usefixtures("drawn_once")
def test_k_is_replaced_and_names_are_checked():
    scenario = load_scenario("procedural", SMALL, k={"scenes_b": 2})
    assert [source.k for source in scenario.sources] == [EXPERTS["scenes_a"], 2]
    with pytest.raises(InputError, match=r"K is given for \['coco'\], but scenario 'procedural' indexes"):
        load_scenario("procedural", SMALL, k={"coco": 6})
    with pytest.raises(InputError, match="detection scenario is 'mars'; choose one of"):
        load_scenario("mars", SMALL)


def test_drawn_datasets_need_a_number_of_images():
    for images_of in (0, 3):
        with pytest.raises(InputError, match=f"{images_of} images of scenes_a: drawn scenes need a number, 4 at least"):
            load_scenario("procedural", Extent(server=images_of))
    with pytest.raises(InputError, match="train is -1 images"):
        Extent(train=-1)


def test_real_without_data_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere/camvid/train, which is absent: set NDSLIB_DATA"):
        load_scenario("real", SMALL)


@pytest.mark.usefixtures("drawn_once")
def test_camvid_is_the_driving_client_with_drives_apart(shared_data):
    scenario = load_scenario("real", SMALL)
    assert [client.name for client in scenario.clients] == ["camvid", "room", "mixed", "avenue"]
    camvid = scenario.client("camvid")
    assert class_names(camvid.train) == ["bicyclist", "car", "pedestrian"]
    drives = [{name.split("/")[2].split("_")[0] for name in ids(part)} for part in (camvid.train, camvid.test)]
    assert drives[0]
    assert drives[0].isdisjoint(drives[1])
    assert (camvid.train.num_rows, camvid.test.num_rows) == (4, 3)
    assert scenario.client("avenue").train.equals(load_scenario("procedural", SMALL).client("avenue").train)


# The paper's own datasets, a few images each in the true formats.


def picture(path, size=(40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 60, 30)).save(path)


def regions(path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def coco_json(path, names, category: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    outline = [[2, 2, 20, 2, 20, 20, 2, 20]]
    document = {
        "images": [{"id": n, "file_name": name, "width": 40, "height": 30} for n, name in enumerate(names)],
        "categories": [{"id": 1, "name": category}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [2, 2, 18, 18], "segmentation": outline, "iscrowd": 0}
            for n in range(len(names))
        ],
    }
    path.write_text(json.dumps(document))


def write_coco(root) -> None:
    for number in range(3):
        picture(root / "train2017" / f"{number}.jpg")
    coco_json(root / "annotations" / "instances_train2017.json", [f"{n}.jpg" for n in range(3)], "car")


def write_openimages(root) -> None:
    names = ["a1", "b2"]
    for name in names:
        picture(root / "train" / f"{name}.jpg")
    listed = [f"{name},,,https://creativecommons.org/licenses/by/2.0/,,,,9,,," for name in names]
    head = (
        "ImageID,Subset,OriginalURL,License,OriginalLandingURL,AuthorProfileURL,Author,OriginalSize,Title,OriginalMD5,R"
    )
    (root / "train-images-boxable-with-rotation.csv").write_text("\n".join([head, *listed]) + "\n")
    boxes = [f"{name},x,/m/1,1,0.1,0.6,0.1,0.7,0,0,0,0,0" for name in names]
    head = (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
    )
    (root / "train-annotations-bbox.csv").write_text("\n".join([head, *boxes]) + "\n")
    (root / "class-descriptions-boxable.csv").write_text("/m/1,Car\n/m/2,Bus\n")
    mask = np.zeros((15, 20), np.uint8)
    mask[3:9, 4:12] = 255  # half the image's size, as Open Images' masks have sizes of their own
    regions(root / "train-masks" / "a1_m2_7.png", mask)
    head = "MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks"
    (root / "train-annotations-object-segmentation.csv").write_text(
        f"{head}\na1_m2_7.png,a1,/m/2,7,0.2,0.6,0.2,0.6,0.8,\n"
    )


def write_voc(root) -> None:
    place = root / "VOCdevkit" / "VOC2007"
    for folder in ("Annotations", "ImageSets/Main"):
        (place / folder).mkdir(parents=True)
    for image_set, names in (("trainval", ["000005", "000007"]), ("test", ["000001"])):
        (place / "ImageSets" / "Main" / f"{image_set}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            picture(place / "JPEGImages" / f"{name}.jpg")
            (place / "Annotations" / f"{name}.xml").write_text(
                "<annotation><size><width>40</width><height>30</height></size><object><name>car</name><bndbox><xmin>3"
                "</xmin><ymin>3</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>"
            )


def write_modanet(root) -> None:
    names = [f"{number}.jpg" for number in range(6)]
    for name in names:
        picture(root / "images" / name)
    coco_json(root / "annotations" / "modanet2018_instances_train.json", names, "bag")


def write_cityscapes(root) -> None:
    for split, count in (("train", 2), ("val", 1)):
        for number in range(count):
            stem = f"ulm_{number:06}_000019"
            picture(root / "leftImg8bit" / split / "ulm" / f"{stem}_leftImg8bit.png")
            maps = root / "gtFine" / split / "ulm"
            values = np.zeros((30, 40), np.uint16)
            values[5:20, 5:20] = 26_000  # the first car
            regions(maps / f"{stem}_gtFine_instanceIds.png", values)
            regions(maps / f"{stem}_gtFine_labelIds.png", (values // 1000).astype(np.uint8))
            (maps / f"{stem}_gtFine_polygons.json").write_text("{}")


def write_kitti(root) -> None:
    for number in range(5):
        picture(root / "training" / "image_2" / f"{number:06}_10.png")
        values = np.zeros((30, 40), np.uint16)
        values[5:20, 5:20] = 26 * 256 + 1
        regions(root / "training" / "instance" / f"{number:06}_10.png", values)


WRITERS = {
    "coco": write_coco,
    "openimages": write_openimages,
    "voc2007": write_voc,
    "modanet": write_modanet,
    "cityscapes": write_cityscapes,
    "kitti_instances": write_kitti,
}


def test_coco_openimages_reads_the_providers_formats(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    monkeypatch.setattr("ndslib.nds.detection_scenarios.MINI_MODANET", (3, 2))
    for name, write in WRITERS.items():
        write(tmp_path / name)
    scenario = load_scenario("coco_openimages", Extent(server=0, train=0, test=0, expert_side=16))
    assert [(source.name, source.k, source.table.num_rows) for source in scenario.sources] == [
        ("coco", 6, 3),
        ("openimages", 50, 2),
    ]
    assert union_of_classes([source.table for source in scenario.sources]) == ["coco/car", "openimages/Car"]
    sizes = {each.name: (each.train.num_rows, each.test.num_rows) for each in scenario.clients}
    assert sizes == {"cityscapes": (2, 1), "modanet": (3, 2), "voc2007": (2, 1), "kitti_instances": (4, 1)}
    assert {PUBLISHED[name] for name in sizes} == {"Cityscapes", "miniModaNet", "PASCAL VOC 2007", "KITTI"}
    for client in scenario.clients:
        assert set(ids(client.train)).isdisjoint(ids(client.test))
        has_masks = client.name != "voc2007"
        _, target = DetectionImages(client.test, class_names(client.train), masks=has_masks)[0]
        assert len(target["boxes"]) == 1
        assert images.decode(client.test, 16).pixels.shape[1:] == (3, 16, 16)
    assert scenario.labelled is None, "the clusters are those of ImageNet's features"


def test_open_images_with_masks_has_its_other_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    monkeypatch.setattr("ndslib.nds.detection_scenarios.MINI_MODANET", (3, 2))
    for name, write in WRITERS.items():
        write(tmp_path / name)
    scenario = load_scenario("coco_openimages", Extent(server=0, train=0, test=0, expert_side=16, masks=True))
    part = server_part(scenario, ["openimages"], masks=True)
    assert union_of_classes([part.sources[0].table]) == ["openimages/Bus"]
    assert ids(part.sources[0].table) == ["openimages/train/a1"], "the other image has no mask"
    _, target = DetectionImages(part.sources[0].table, ["openimages/Bus"], masks=True)[0]
    assert target["boxes"].tolist() == [[8, 6, 24, 18]]
    assert target["masks"].sum() == 16 * 12


def test_a_part_of_coco_openimages_is_the_same_for_every_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    monkeypatch.setattr("ndslib.nds.detection_scenarios.MINI_MODANET", (3, 2))
    for name, write in WRITERS.items():
        write(tmp_path / name)
    first, other = (load_scenario("coco_openimages", Extent(2, 1, 1), seed) for seed in (0, 1))
    assert first.table.equals(other.table)
    assert [source.table.num_rows for source in first.sources] == [2, 2]
    assert {client.train.num_rows for client in first.clients} == {1}
    assert first.client("cityscapes").test.equals(other.client("cityscapes").test)


def test_coco_openimages_without_data_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"coco/annotations/instances_train2017\.json"):
        load_scenario("coco_openimages", SMALL)
