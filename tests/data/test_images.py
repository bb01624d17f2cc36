"""Decoding: geometry, fragments, odd formats, damaged files, and that each file is decoded once."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.data import images, sample_table


def table_of(*uris: Path | str) -> pa.Table:
    about = {"dataset": "some", "split": "train", "width": 8, "height": 8, "bytes": 1}
    return sample_table.from_rows({"id": f"some/{i}", "uri": str(uri), **about} for i, uri in enumerate(uris))


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray | Image.Image, **options: object) -> Path:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


@pytest.fixture
def decoded_files(monkeypatch) -> list[str]:
    """The paths that were opened for decoding."""
    opened = []
    real = images._open
    monkeypatch.setattr(images, "_open", lambda path: opened.append(path) or real(path))
    return opened


def test_square_images_keep_their_pixels(tmp_path):
    pixels = noise(8, 8)
    found = images.decode(table_of(save(tmp_path / "a.png", pixels)), 8)
    assert found.pixels.dtype == np.uint8
    assert found.pixels.shape == (1, 3, 8, 8)
    np.testing.assert_array_equal(found.pixels[0], pixels.transpose(2, 0, 1))
    assert found.rows.tolist() == [0]
    assert found.corrupt == ()


@pytest.mark.parametrize("shape", [(8, 24), (24, 8)])
def test_the_centre_is_cropped(tmp_path, shape):
    pixels = noise(*shape)
    top, left = (shape[0] - 8) // 2, (shape[1] - 8) // 2
    found = images.decode(table_of(save(tmp_path / "a.png", pixels)), 8).pixels[0]
    np.testing.assert_array_equal(found, pixels[top : top + 8, left : left + 8].transpose(2, 0, 1))


def test_the_shorter_side_is_scaled(tmp_path):
    halves = np.zeros((16, 32, 3), np.uint8)  # of the centre square, the left half is black and the right half white
    halves[:, 16:] = 255
    found = images.decode(table_of(save(tmp_path / "a.png", halves)), 8).pixels[0]
    assert (found[:, :, :3] == 0).all()
    assert (found[:, :, 5:] == 255).all()
    assert images.decode(table_of(save(tmp_path / "small.png", noise(1, 3))), 8).pixels.shape == (1, 3, 8, 8)


def test_crops_of_one_file_decode_it_once(tmp_path, decoded_files):
    pixels = noise(20, 30)
    path = save(tmp_path / "a.png", pixels)
    found = images.decode(table_of(f"{path}#xywh=0,0,8,8", f"{path}#xywh=22,12,8,8", f"{path}#xywh=3,4,8,8"), 8).pixels
    for number, (x, y) in enumerate([(0, 0), (22, 12), (3, 4)]):
        np.testing.assert_array_equal(found[number], pixels[y : y + 8, x : x + 8].transpose(2, 0, 1))
    assert decoded_files == [str(path)]


def test_rows_of_an_array_file(tmp_path, decoded_files):
    container = np.stack([noise(8, 8, seed) for seed in range(5)])
    np.save(tmp_path / "all.npy", container)
    found = images.decode(table_of(*(f"{tmp_path}/all.npy#row={row}" for row in (4, 0, 2))), 8).pixels
    np.testing.assert_array_equal(found, container[[4, 0, 2]].transpose(0, 3, 1, 2))
    assert len(decoded_files) == 1


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("/a/b.png", ("/a/b.png", None, ())),
        ("/a/b#1.png", ("/a/b#1.png", None, ())),
        ("/a/b#1.png#xywh=1,2,3,4", ("/a/b#1.png", "xywh", (1, 2, 3, 4))),
        ("/a/b.npy#row=17", ("/a/b.npy", "row", (17,))),
        ("/a/b.png#xywh=1,2", ("/a/b.png#xywh=1,2", None, ())),
        ("/a/b.npy#row=,", ("/a/b.npy#row=,", None, ())),
        ("/a/line\nbreak.png", ("/a/line\nbreak.png", None, ())),
    ],
)
def test_split_uri(uri, parts):
    assert images.split_uri(uri) == parts


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("palette.png", lambda rgb: rgb.quantize(16)),
        ("rgba.png", lambda rgb: rgb.convert("RGBA")),
        ("cmyk.jpg", lambda rgb: rgb.convert("CMYK")),
        ("grey.jpg", lambda rgb: rgb.convert("L")),
        ("bilevel.png", lambda rgb: rgb.convert("1")),
        ("animated.gif", lambda rgb: rgb),
        ("plain.webp", lambda rgb: rgb),
        ("lab.tif", lambda rgb: Image.merge("LAB", [rgb.getchannel(0)] * 3)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, name, make):
    image = make(Image.fromarray(np.full((8, 8, 3), (120, 120, 120), np.uint8)))
    path = save(tmp_path / name, image)
    found = images.decode(table_of(path), 8).pixels[0]
    with Image.open(path) as expected:
        np.testing.assert_array_equal(found, np.asarray(expected.convert("RGB")).transpose(2, 0, 1))


def test_transparency_is_dropped(tmp_path):
    path = save(tmp_path / "a.png", Image.new("RGBA", (8, 8), (10, 200, 30, 0)))
    assert images.decode(table_of(path), 8).pixels[0, :, 0, 0].tolist() == [10, 200, 30]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bit_greys_keep_their_high_byte(tmp_path, name):
    levels = (np.arange(64, dtype=np.uint16) * 1024 + 7).reshape(8, 8)
    found = images.decode(table_of(save(tmp_path / name, levels)), 8).pixels[0]
    np.testing.assert_array_equal(found, np.broadcast_to(levels >> 8, (3, 8, 8)))


def test_exif_orientation_is_not_applied(tmp_path):
    pixels = noise(8, 8)
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees to see it upright"
    path = save(tmp_path / "a.png", pixels, exif=exif)
    np.testing.assert_array_equal(images.decode(table_of(path), 8).pixels[0], pixels.transpose(2, 0, 1))


def damaged(folder: Path, kind: str) -> str:
    """A uri that does not decode, of each kind."""
    good = save(folder / "good.jpg", noise(40, 40))
    if kind == "truncated":
        (folder / "truncated.jpg").write_bytes(good.read_bytes()[:-200])
        return str(folder / "truncated.jpg")
    if kind == "text":
        (folder / "text.png").write_text("<html>404</html>")
        return str(folder / "text.png")
    if kind == "empty":
        (folder / "empty.jpg").touch()
        return str(folder / "empty.jpg")
    if kind == "floats":
        return str(save(folder / "floats.tif", Image.fromarray(np.full((8, 8), 0.5, np.float32))))
    if kind == "32 bits":
        return str(save(folder / "long.tif", Image.fromarray(np.full((8, 8), 2**20, np.int32))))
    if kind == "empty array":
        (folder / "empty.npy").touch()
        return f"{folder}/empty.npy#row=0"
    np.save(folder / "grey.npy", np.zeros((3, 8, 8), np.uint8))
    np.save(folder / "colour.npy", np.zeros((3, 8, 8, 3), np.uint8))
    return {
        "missing": f"{folder}/missing.jpg",
        "folder": str(folder),
        "url": "https://example.org/a.jpg",
        "crop outside": f"{good}#xywh=30,30,20,20",
        "empty crop": f"{good}#xywh=3,3,0,4",
        "half a crop": f"{good}#xywh=3,3",
        "row of an image": f"{good}#row=1",
        "no row": f"{folder}/colour.npy",
        "row outside": f"{folder}/colour.npy#row=3",
        "grey rows": f"{folder}/grey.npy#row=0",
    }[kind]


KINDS = {
    "truncated": "truncated",
    "text": "cannot identify",
    "empty": "cannot identify",
    "floats": "floating-point",
    "32 bits": "more than 16 bits",
    "missing": "No such file",
    "folder": "directory",
    "url": "download the images first",
    "crop outside": r"outside the image of 40 x 40",
    "empty crop": "outside the image",
    "half a crop": "No such file",
    "row of an image": "this is an image file",
    "no row": "needs a fragment #row=n",
    "row outside": "out of bounds",
    "grey rows": r"wanted uint8\[height, width, 3\]",
    "empty array": "EOF",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_image_is_named_or_counted(tmp_path, kind):
    bad = damaged(tmp_path, kind)
    table = table_of(save(tmp_path / "a.png", noise(8, 8, 1)), bad, save(tmp_path / "b.png", noise(8, 8, 2)))
    with pytest.raises(InputError, match=KINDS[kind]) as caught:
        images.decode(table, 8)
    assert f"1 image(s) cannot be decoded: {bad}: " in str(caught.value)
    assert "on_corrupt='skip'" in str(caught.value)
    found = images.decode(table, 8, on_corrupt="skip")
    assert found.rows.tolist() == [0, 2]
    assert [(entry.row, entry.uri) for entry in found.corrupt] == [(1, bad)]
    np.testing.assert_array_equal(found.pixels[1], noise(8, 8, 2).transpose(2, 0, 1))


def test_a_damaged_file_costs_all_its_crops_and_one_bad_crop_only_itself(tmp_path):
    (tmp_path / "bad.png").write_text("no image")
    good = save(tmp_path / "good.png", noise(20, 20))
    crops = [f"{path}#xywh=0,0,8,{side}" for path in (tmp_path / "bad.png", good) for side in (8, 21)]
    found = images.decode(table_of(*crops), 8, on_corrupt="skip")
    assert [entry.row for entry in found.corrupt] == [0, 1, 3]


def test_only_damaged_images(tmp_path):
    with pytest.raises(InputError, match=r"every one of the 2 images is unreadable.*x\.png"):
        images.decode(table_of(tmp_path / "x.png", tmp_path / "y.png"), 8, on_corrupt="skip")


def test_many_damaged_images_are_counted(tmp_path):
    with pytest.raises(InputError, match=r"7 image\(s\).*and 2 more"):
        images.decode(table_of(*(tmp_path / f"{i}.png" for i in range(7))), 8)


@pytest.mark.parametrize("options", [{"on_corrupt": "ignore"}, {"size": 0}])
def test_bad_arguments(tmp_path, options):
    with pytest.raises(InputError, match=next(iter(options))):
        images.decode(table_of(save(tmp_path / "a.png", noise(8, 8))), **{"size": 8, **options})


def test_an_empty_table_is_refused():
    with pytest.raises(InputError, match="empty"):
        images.decode(table_of(), 8)


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow refuses twice as many
    with pytest.raises(InputError, match="exceeds limit of 200 pixels"):
        images.decode(table_of(save(tmp_path / "bomb.png", noise(20, 20))), 8)


def test_what_was_decoded_is_not_decoded_again(tmp_path, decoded_files):
    paths = [save(tmp_path / f"{i}.png", noise(8, 8, i)) for i in range(3)]
    first = images.decode(table_of(*paths), 8)
    assert sorted(decoded_files) == sorted(map(str, paths))
    again = images.decode(table_of(*paths), 8)
    assert again.path == first.path
    assert isinstance(again.pixels, np.memmap)
    assert not again.pixels.flags.writeable
    assert len(decoded_files) == 3
    images.decode(table_of(*paths), 4)
    assert len(decoded_files) == 6, "another size is another decoding"


def test_a_changed_file_is_decoded_again(tmp_path, decoded_files):
    path = save(tmp_path / "a.png", noise(8, 8, 1))
    before = images.decode(table_of(path), 8)
    save(path, noise(8, 8, 2))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))  # whatever the clock's resolution
    after = images.decode(table_of(path), 8)
    assert after.path != before.path
    np.testing.assert_array_equal(after.pixels[0], noise(8, 8, 2).transpose(2, 0, 1))
    np.testing.assert_array_equal(before.pixels[0], noise(8, 8, 1).transpose(2, 0, 1))


def test_a_repaired_file_is_no_longer_corrupt(tmp_path):
    path = tmp_path / "a.png"
    table = table_of(path, save(tmp_path / "b.png", noise(8, 8)))
    assert len(images.decode(table, 8, "skip").corrupt) == 1
    shutil.copy(tmp_path / "b.png", path)
    assert images.decode(table, 8).corrupt == ()


def test_the_result_does_not_depend_on_the_workers(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_FILES_A_TASK", 3)
    paths = [save(tmp_path / f"{i}.jpg", noise(20, 30, i)) for i in range(20)]
    paths[7].write_text("damaged")
    alone = images.decode(table_of(*paths), 8, "skip", workers=1)
    one, bad = np.array(alone.pixels), [entry.row for entry in alone.corrupt]
    shutil.rmtree(alone.path.parent)
    several = images.decode(table_of(*paths), 8, "skip", workers=4)
    np.testing.assert_array_equal(several.pixels, one)
    assert bad == [entry.row for entry in several.corrupt] == [7]


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow remarks on
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "bmp", "webp", "ppm"])
def test_damage_anywhere_in_a_file_is_reported_and_never_crashes(tmp_path, suffix):
    good = save(tmp_path / f"good.{suffix}", noise(12, 12)).read_bytes()
    rng = np.random.default_rng(7)
    paths = [save(tmp_path / "whole.png", noise(8, 8))]
    for number in range(60):
        data = bytearray(good[: rng.integers(1, len(good))] if number % 2 else good)
        for place in rng.integers(0, min(len(data), 200), 3):
            data[place] = rng.integers(256)
        paths.append(tmp_path / f"{number}.{suffix}")
        paths[-1].write_bytes(data)
    found = images.decode(table_of(*paths), 8, on_corrupt="skip")
    assert len(found.rows) + len(found.corrupt) == 61
    assert len(found.corrupt) >= 10
    assert all(entry.reason for entry in found.corrupt)
