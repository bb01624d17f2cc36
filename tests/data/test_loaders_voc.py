import json

import pytest

from ndslib.core.errors import InputError
from ndslib.data.loaders import voc

XML = """<annotation>
  <folder>VOC2012</folder><filename>2008_000001.jpg</filename>
  <size><width>50</width><height>40</height><depth>3</depth></size>
  <object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>50</xmax><ymax>11</ymax></bndbox></object>
  <object><name>person</name><difficult>1</difficult>
    <bndbox><xmax>20.5</xmax><xmin>10</xmin><ymin>1</ymin><ymax>1</ymax></bndbox>
    <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></object>
</annotation>"""


@pytest.fixture
def tree(tmp_path, write_image):
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for name in ("2008_000001", "2007_000009", "2009_000005"):
        write_image(root / "JPEGImages" / f"{name}.jpg", (50, 40))
        (root / "Annotations" / f"{name}.xml").write_text(XML)
    (root / "ImageSets" / "Main" / "train.txt").write_text("2008_000001\n2007_000009\n")
    (root / "ImageSets" / "Main" / "trainval.txt").write_text("2008_000001\n2007_000009\n2009_000005\n")
    return root


def test_boxes_count_from_zero(tree):
    table = voc(tree, "voc2012", "train")
    assert table["id"].to_pylist() == ["voc2012/train/2007_000009", "voc2012/train/2008_000001"]
    assert (table["width"][0].as_py(), table["height"][0].as_py()) == (50, 40)
    assert table["bytes"][0].as_py() == (tree / "JPEGImages" / "2007_000009.jpg").stat().st_size
    assert table["label"].null_count == 2
    assert json.loads(table["annotation"][0].as_py()) == [
        {"category": "dog", "bbox": [0, 1, 50, 10], "iscrowd": 0, "truncated": 1},
        {"category": "person", "bbox": [9, 0, 11.5, 1], "iscrowd": 1, "truncated": 0},
    ]


def test_folder_and_image_set(tree):
    table = voc(tree.parents[1], "voc2012", "train", folder="VOCdevkit/VOC2012", image_set="trainval")
    assert table.num_rows == 3
    assert set(table["split"].to_pylist()) == {"train"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("<xmin>1</xmin>", "", "<object> has no <bndbox><xmin>"),
        ("<width>50</width>", "", "<annotation> has no <size><width>"),
        ("<name>dog</name>", "<name> </name>", "<object> has no <name>"),
        ("<xmax>50</xmax>", "<xmax>fifty</xmax>", "bndbox/xmax is 'fifty'"),
        ("<xmax>50</xmax>", "<xmax>0</xmax>", "is turned around"),
        ("</annotation>", "", "not whole XML"),
    ],
)
def test_wrong_xml_is_named(tree, old, new, complaint):
    assert old in XML
    (tree / "Annotations" / "2008_000001.xml").write_text(XML.replace(old, new))
    with pytest.raises(InputError, match=rf"2008_000001\.xml: .*{complaint}"):
        voc(tree, "voc2012", "train")


def test_missing_parts_are_named(tree):
    with pytest.raises(InputError, match=r"Main/val\.txt: no such file"):
        voc(tree, "voc2012", "val")
    (tree / "Annotations" / "2008_000001.xml").unlink()
    with pytest.raises(InputError, match=r"Annotations/2008_000001\.xml: no such file"):
        voc(tree, "voc2012", "train")
    (tree / "JPEGImages" / "2007_000009.jpg").unlink()
    with pytest.raises(InputError, match=r"JPEGImages/2007_000009\.jpg: no such file"):
        voc(tree, "voc2012", "train")
    (tree / "ImageSets" / "Main" / "train.txt").write_text("\n")
    with pytest.raises(InputError, match=r"train\.txt: it lists no image"):
        voc(tree, "voc2012", "train")
