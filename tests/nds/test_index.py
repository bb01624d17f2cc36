"""The index: adding touches nothing else, survives kills and company, and says what is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ndslib.core.errors import InputError
from ndslib.core.files import sha256_file
from ndslib.data import images, loaders, sample_table
from ndslib.nds import building, experts, store
from ndslib.nds.experts import read_metadata
from ndslib.nds.index import FORMAT, Index, Source
from ndslib.nds.store import IndexDamaged


def files_of(place: Path) -> dict[str, tuple[str, int]]:
    """Hash and time of change of every file that is not hidden."""
    return {
        str(path.relative_to(place)): (sha256_file(path), path.stat().st_mtime_ns)
        for path in sorted(place.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(place).parts)
    }


def hashes_of(place: Path) -> dict[str, str]:
    return {name: found[0] for name, found in files_of(place).items()}


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """The names of the experts that were really trained."""
    names = []
    real = experts.new_expert
    monkeypatch.setattr(experts, "new_expert", lambda job, config: names.append(job.name) or real(job, config))
    return names


def test_adding_a_dataset_leaves_the_others_byte_for_byte(tmp_path, colours, mean_colour, tiny, trained):
    server = Index.create(tmp_path / "server")
    server.add(colours("first"), 2, mean_colour, tiny(), size=8)
    server.add(colours("second", 9), 3, mean_colour, tiny(), size=8)
    before = files_of(server.place)
    assert len(before) == 1 + 2 * 5 + 5 + 12 + 9, "index.json, five files a dataset, experts, thumbnails"
    del trained[:]
    added = server.add(colours("third"), 2, mean_colour, tiny(), size=8, title="Third", link="https://example.org")
    after = files_of(server.place)
    assert {name: after[name] for name in before} == before, "same bytes, and not even written again"
    names = ["dataset.json", "samples.parquet", "samples.sqlite", "bytes.npy", "gating.safetensors"]
    names += [f"experts/00{number}.safetensors" for number in range(2)]
    names += [f"thumbnails/00{cluster}/{number}.webp" for cluster in range(2) for number in range(6)]
    assert set(after) - set(before) == {f"datasets/third/{name}" for name in names}
    assert trained == ["third/0", "third/1"]
    assert (added.title, added.link, added.licence, added.position) == ("Third", "https://example.org", "MIT", 2)
    assert server.cluster_names == ["first/0", "first/1", "second/0", "second/1", "second/2", "third/0", "third/1"]
    assert [path.name for path in (server.place / "datasets").iterdir() if path.name.startswith(".")] == []


def test_rows_are_sorted_by_cluster_and_everything_adds_up(tmp_path, colours, mean_colour, tiny):
    server = Index.create(tmp_path / "server")
    tables = [colours("first"), colours("second", 9)]
    server.add_all([Source(tables[0], 2), Source(tables[1], 1)], mean_colour, tiny(), size=8)
    server = Index.open(server.place)
    assert server.table.schema == sample_table.SCHEMA
    assert sorted(server.table["id"].to_pylist()) == sorted(sample_table.concat(tables)["id"].to_pylist())
    assert server.cluster_sizes.sum() == server.table.num_rows == 21
    assert server.cluster_bytes.sum() == sum(server.table["bytes"].to_pylist())
    assert server.cluster_datasets == ["first", "first", "second"]
    np.testing.assert_array_equal(server.cluster_of_row, np.sort(server.cluster_of_row))
    for cluster in range(3):
        rows = server.rows_of_cluster(cluster)
        assert len(rows) == server.cluster_sizes[cluster]
        assert sum(server.table["bytes"].take(rows).to_pylist()) == server.cluster_bytes[cluster]
        np.testing.assert_array_equal(np.flatnonzero(server.cluster_of_row == cluster), rows)
    for cluster in (0, 1):
        assert len(set(server.table["label"].take(server.rows_of_cluster(cluster)).to_pylist())) == 1, "dark or bright"
    assert len(server.experts()) == 3
    about = read_metadata(server.expert_paths()[1])
    assert (about["dataset"], about["cluster"], about["images"]) == ("first", "1", str(server.cluster_sizes[1]))


def test_adding_the_same_again_does_nothing(tmp_path, colours, mean_colour, tiny, trained):
    server = Index.create(tmp_path / "server")
    table = colours("first")
    one = server.add(table, 2, mean_colour, tiny(), size=8)
    before = files_of(server.place)
    del trained[:]
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))
    assert Index.create(server.place).add(shuffled, 2, mean_colour, tiny(), size=8) == one
    assert files_of(server.place) == before
    assert trained == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"k": 3}, r"\(k\)"),
        ({"seed": 1}, r"\(seed\)"),
        ({"size": 16}, r"\(size\)"),
        ({"gating": "superclass"}, r"\(gating\)"),
        ({"steps": 5}, r"\(train\)"),
        ({"count": 10}, r"\(samples\)"),
        ({"label": "other"}, r"\(samples\)"),
    ],
)
def test_other_settings_or_samples_are_refused(tmp_path, colours, mean_colour, tiny, changes, named):
    server = Index.create(tmp_path / "server")
    server.add(colours("first"), 2, mean_colour, tiny(), size=8)
    before = files_of(server.place)
    table = colours("first", changes.get("count", 12))
    if "label" in changes:
        table = table.set_column(4, "label", pa.array([changes["label"]] * 12))
    options = {"size": 8} | {key: changes[key] for key in ("seed", "size", "gating") if key in changes}
    with pytest.raises(InputError, match=f"datasets/first: .*other settings {named}; remove that folder"):
        server.add(table, changes.get("k", 2), mean_colour, tiny(changes.get("steps", 4)), **options)
    assert files_of(server.place) == before


def test_the_longest_name(tmp_path, colours, mean_colour, tiny):
    table = colours("first").set_column(1, "dataset", pa.array(["é " * 33 + "x"] * 12))
    server = Index.create(tmp_path / "server")
    assert server.add(table, 1, mean_colour, tiny(1), size=8).name == Index.open(server.place).datasets[0].name


def test_another_title_or_link_is_refused(tmp_path, colours, mean_colour, tiny):
    server = Index.create(tmp_path / "server")
    table, about = colours("first"), {"title": "First", "link": "https://example.org"}
    one = server.add(table, 1, mean_colour, tiny(1), size=8, **about)
    for same in (about, {}, {"title": "First"}):
        assert server.add(table, 1, mean_colour, tiny(1), size=8, **same) == one
    for name, other in (("title", "Second"), ("link", "https://example.com")):
        with pytest.raises(InputError, match=rf"other settings \({name}\)"):
            server.add(table, 1, mean_colour, tiny(1), size=8, **{name: other})
    assert server.datasets == (one,)


def test_gating_by_superclass_and_task_specific_experts(tmp_path, colours, mean_colour, tiny):
    server = Index.create(tmp_path / "server")
    server.add(colours("first"), 2, mean_colour, tiny(task="classification"), gating="superclass", size=8)
    classes = [json.loads(read_metadata(path)["classes"]) for path in server.expert_paths()]
    assert sorted(classes) == [["first/bright"], ["first/dark"]]
    server.add(colours("second"), 1, mean_colour, tiny(task="classification"), gating="superclass", size=8)
    assert json.loads(read_metadata(server.expert_paths()[2])["classes"]) == ["second/bright", "second/dark"]


def test_bad_requests_are_refused_before_anything_is_trained(tmp_path, colours, mean_colour, tiny, trained):
    server = Index.create(tmp_path / "server")
    table, bare = colours("first"), colours("bare", labelled=False)
    both = sample_table.concat([table, bare])
    cases = [
        ((table, 13), {}, "K = 13 parts of 12 samples"),
        ((table, 0), {}, "K = 0"),
        ((table, 3), {"gating": "superclass"}, "K = 3 parts of 2 classes"),
        ((bare, 2), {"gating": "superclass"}, "12 of 12 samples have no label"),
        ((table, 2), {"gating": "random"}, "'random'"),
        ((both, 2), {}, r"one dataset; its sample table holds \['first', 'bare'\]"),
        ((table.slice(0, 0), 2), {}, "no rows"),
    ]
    for name in ("a/b", "", ".hidden", "a\\b", "line\n", "tab\t", "nul\0", "é" * 51, "x" * 252):
        renamed = table.set_column(1, "dataset", pa.array([name] * 12))
        cases.append(((renamed, 2), {}, f"{re.escape(repr(name))} cannot be a folder name: give 1 to 100 bytes"))
    for (samples, k), options, named in cases:
        with pytest.raises(InputError, match=named):
            server.add(samples, k, mean_colour, tiny(), **{"size": 8, **options})
    with pytest.raises(InputError, match="label for every image"):
        server.add(bare, 2, mean_colour, tiny(task="classification"), size=8)
    with pytest.raises(InputError, match="each dataset once"):
        server.add_all([Source(table, 2), Source(table, 2)], mean_colour, tiny(), size=8)
    with pytest.raises(InputError, match="K = 13"):
        server.add_all([Source(bare, 2), Source(table, 13)], mean_colour, tiny(), size=8)
    assert trained == []
    assert list(hashes_of(server.place)) == ["index.json"]


def test_corrupt_images_are_named_or_left_out_and_counted(tmp_path, colours, mean_colour, tiny):
    table = colours("first")
    (tmp_path / "broken.png").write_text("no image")
    uris = table["uri"].to_pylist()
    uris[3] = str(tmp_path / "broken.png")
    table = table.set_column(2, "uri", pa.array(uris))
    server = Index.create(tmp_path / "server")
    with pytest.raises(InputError, match=r"1 image\(s\) cannot be decoded: .*broken\.png"):
        server.add(table, 2, mean_colour, tiny(), size=8)
    assert server.datasets == ()
    added = server.add(table, 2, mean_colour, tiny(), size=8, on_corrupt="skip")
    assert [entry["uri"] for entry in added.corrupt] == [uris[3]]
    assert sum(added.cluster_sizes) == 11
    assert "first/3" not in server.table["id"].to_pylist()
    expected = colours("first").filter(np.arange(12) != 3)
    assert added.cluster_bytes == [
        sum(server.table["bytes"].take(server.rows_of_cluster(cluster)).to_pylist()) for cluster in (0, 1)
    ]
    assert server.cluster_bytes.sum() == sum(expected["bytes"].to_pylist())
    assert server.add(table, 2, mean_colour, tiny(), size=8, on_corrupt="skip") == added
    pixels = images.decode(server.table, 8).pixels
    for cluster in (0, 1):
        dark = pixels[server.rows_of_cluster(cluster)].mean((1, 2, 3)) < 100
        assert dark.all() or not dark.any(), "rows did not shift where one was left out"


def test_it_is_whole_after_a_failure_while_it_is_written(tmp_path, colours, mean_colour, tiny, trained, monkeypatch):
    server = Index.create(tmp_path / "server")

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(building, "save_file", fail)
        with pytest.raises(OSError, match="no space"):
            server.add(colours("first"), 3, mean_colour, tiny(), size=8)
    assert Index.open(server.place).datasets == ()
    assert list((server.place / "datasets").iterdir()) == []
    del trained[:]
    added = server.add(colours("first"), 2, mean_colour, tiny(), size=8)
    assert len(list((added.folder / "experts").iterdir())) == 2, "nothing of the first attempt with three"


# What clients get


def test_rows_are_read_in_the_order_asked_for(server):
    rows = np.array([31, 0, 12, 11, 5, 30])
    assert server.read(rows, annotations=True).equals(server.table.take(rows))
    assert server.read(rows).equals(server.table.drop_columns(["annotation"]).take(rows))
    assert server.row_bytes(rows).tolist() == server.table["bytes"].take(rows).to_pylist()
    assert server.size == 32
    for outside in ([32], [-1], []):
        with pytest.raises(InputError, match="from 0 to 31"):
            server.read(np.array(outside, dtype=np.int64))


def test_cells_tell_labels_and_licences_apart(tmp_path, colours, mean_colour, tiny):
    table = colours("first")
    licences = ["CC-BY-2.0", None, "CC-BY-2.0", "MIT"] * 3
    annotations = [None, '[{"bbox": [0, 0, 1, 1], "segmentation": null}]', '[{"segmentation": [[0, 0, 4, 4]]}]'] * 4
    table = table.set_column(9, "licence", pa.array(licences))
    table = table.set_column(5, "annotation", pa.array(annotations))
    server = Index.create(tmp_path / "server")
    (cells,) = (server.add(table, 2, mean_colour, tiny(), size=8).cells,)
    kinds = np.repeat([cell.labels for cell in cells], [cell.images for cell in cells])
    assert kinds.tolist() == sample_table.label_kinds(server.table).to_pylist()
    found = np.repeat([cell.licence or "none" for cell in cells], [cell.images for cell in cells])
    assert found.tolist() == [licence or "none" for licence in server.table["licence"].to_pylist()]
    clusters = np.repeat([cell.cluster for cell in cells], [cell.images for cell in cells])
    assert clusters.tolist() == server.cluster_of_row.tolist()
    assert sum(cell.bytes for cell in cells) == server.cluster_bytes.sum()
    assert {cell.labels for cell in cells} == {"class", "boxes", "masks"}
    assert len(cells) == len({(cell.cluster, cell.labels, cell.licence) for cell in cells})


def test_files_are_listed_where_their_provider_has_them(tmp_path, colours, mean_colour, tiny):
    folder = tmp_path / "pictures of mine" / "a"
    folder.mkdir(parents=True)
    for number in range(8):
        Image.new("RGB", (20, 10), (30 * number, 90, 10)).save(folder / f"{number}.png")
    table = loaders.image_folder(folder.parent, "mine", "train")
    server = Index.create(tmp_path / "server")
    about = {"base_url": "https://example.org/x/", "root": folder.parent}
    server.add(table, 1, mean_colour, tiny(), size=8, **about)
    listed = server.read(np.arange(8))["uri"].to_pylist()
    assert sorted(listed) == [f"https://example.org/x/a/{number}.png" for number in range(8)]
    assert sorted(server.table["uri"].to_pylist()) == [str(folder / f"{number}.png") for number in range(8)]
    assert server.add(table, 1, mean_colour, tiny(), size=8, **about) == server.datasets[0], "as before: nothing to do"
    with pytest.raises(InputError, match=r"other settings \(base_url\)"):
        server.add(table, 1, mean_colour, tiny(), size=8)
    with pytest.raises(InputError, match=r"not below .*elsewhere"):
        Index.create(tmp_path / "other").add(
            table, 1, mean_colour, tiny(), size=8, base_url="http://x", root=tmp_path / "elsewhere"
        )
    with pytest.raises(InputError, match="both or neither"):
        Source(table, 1, base_url="http://x")
    with pytest.raises(InputError, match="starts with http"):
        Source(table, 1, base_url="ftp://x", root=folder)


def test_thumbnails_are_pictures_of_their_cluster(server):
    for each, counts in zip(server.datasets, ([6, 6], [9]), strict=True):
        assert each.thumbnails == counts
        for cluster, count in enumerate(counts):
            for number in range(count):
                with Image.open(each.thumbnail(cluster, number)) as picture:
                    assert (picture.format, picture.size) == ("WEBP", (96, 96))
    levels = [np.asarray(Image.open(server.datasets[0].thumbnail(0, n))).mean() for n in range(6)]
    assert max(levels) < 100 or min(levels) > 150, "all dark or all bright, as the clusters are"
    for cluster, number in ((2, 0), (0, 6), (-1, 0), (0, -1)):
        with pytest.raises(InputError, match="no thumbnail"):
            server.datasets[0].thumbnail(cluster, number)


# Kills and company

PRELUDE = """
import os, random, signal, sys, time
from torch import nn
from ndslib.core.training import TrainConfig
from ndslib.data import sample_table
from ndslib.nds.experts import ExpertConfig
from ndslib.nds.extractor import Extractor
from ndslib.nds.index import Index

extractor = Extractor(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))

def adding(place, table, steps):
    child = os.fork()
    if child == 0:
        config = ExpertConfig(TrainConfig(steps, batch_size=8, lr=0.05), "rotation", 2)
        Index.open(place).add(sample_table.read(table), 2, extractor, config, size=8)
        os._exit(0)
    return child
"""


def run_script(code: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", PRELUDE + code, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NDSLIB_PROGRESS": "off"}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout


def test_a_killed_build_resumes(tmp_path, colours, mean_colour, tiny, monkeypatch):
    table = colours("first")
    sample_table.write(table, tmp_path / "first.parquet")
    undisturbed = Index.create(tmp_path / "undisturbed")
    with monkeypatch.context() as patched:
        patched.setenv("NDSLIB_CACHE", str(tmp_path / "other cache"))
        undisturbed.add(table, 2, mean_colour, tiny(150), size=8)
    server = Index.create(tmp_path / "server")
    run_script(
        """
for _ in range(6):
    child = adding(sys.argv[1], sys.argv[2], 150)
    time.sleep(random.uniform(0.05, 0.5))  # another moment every time: none may matter
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    Index.open(sys.argv[1]).datasets  # readable at any moment
""",
        server.place,
        tmp_path / "first.parquet",
    )
    server.add(table, 2, mean_colour, tiny(150), size=8)
    assert hashes_of(server.place) == hashes_of(undisturbed.place)


def test_several_processes_add_at_once(tmp_path, colours, mean_colour, tiny):
    server = Index.create(tmp_path / "server")
    server.add(colours("first"), 2, mean_colour, tiny(), size=8)
    stale = Index.open(server.place)
    assert len(stale.datasets) == 1
    paths = []
    for name in ("left", "right"):
        paths.append(tmp_path / f"{name}.parquet")
        sample_table.write(colours(name), paths[-1])
    codes = run_script(
        """
children = [adding(sys.argv[1], table, 4) for table in (sys.argv[2], sys.argv[3], sys.argv[2])]
print(*[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
""",
        server.place,
        *paths,
    )
    assert codes.split() == ["0", "0", "0"]
    stale.add(colours("last"), 2, mean_colour, tiny(), size=8)
    for server in (stale, Index.open(stale.place)):
        assert [each.name for each in server.datasets][0::3] == ["first", "last"]
        assert sorted(each.name for each in server.datasets) == ["first", "last", "left", "right"]
        assert server.table.num_rows == server.cluster_sizes.sum() == 48
        names = [id.split("/")[0] for id in server.table["id"].to_pylist()]
        assert names == list(np.array(server.cluster_datasets)[server.cluster_of_row]), (
            "every row in its dataset's cluster"
        )
        assert [read_metadata(path)["dataset"] for path in server.expert_paths()] == server.cluster_datasets


def test_a_tie_of_positions_is_broken_by_name(tmp_path, colours, mean_colour, tiny):
    server = Index.create(tmp_path / "server")
    for name in ("b", "a"):
        server.add(colours(name), 1, mean_colour, tiny(1), size=8)
    assert server.cluster_names == ["b/0", "a/0"]
    path = server.place / "datasets" / "a" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"position": 0}))
    assert Index.open(server.place).cluster_names == ["a/0", "b/0"]


# Opening


def test_opening_what_is_no_index(tmp_path):
    with pytest.raises(InputError, match="no index here"):
        Index.open(tmp_path)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty and holds no index"):
        Index.create(tmp_path)
    with pytest.raises(InputError, match="the index is empty"):
        _ = Index.create(tmp_path / "new").table
    nameless = json.dumps({"format": FORMAT})
    for text, named in (
        ('{"format": "other"}', "format is 'other'"),
        ("{", "damaged"),
        ("[1]", "damaged"),
        (nameless, r"damaged \(no name\)"),
        (nameless.replace("}", ', "name": 7}'), r"damaged \(no name\)"),
    ):
        (tmp_path / "index.json").write_text(text)
        with pytest.raises(InputError, match=rf"index\.json: {named}"):
            Index.open(tmp_path)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda about: about["cells"].pop(), "cells' images do not add up"),
        (lambda about: about["cells"].reverse(), "not in the order"),
        (lambda about: about["cells"][0].update(bytes=1), "cells' bytes do not add up"),
        (lambda about: about["cells"][0].update(cluster=5), "not in the order|do not add up"),
        (lambda about: about["cells"][0].update(images="6"), "whole number"),
        (lambda about: about["experts"].pop(), "experts has 1 entries for 2 clusters"),
        (lambda about: about["experts"].append(None), "no text"),
        (lambda about: about["thumbnails"].pop(), "thumbnails has 1 entries"),
        (lambda about: about["cluster_bytes"].append(0), "cluster_bytes has 3 entries"),
        (lambda about: about.update(cluster_sizes="66"), "whole number"),
        (lambda about: about.update(cluster_sizes=[6.0, 6.0]), "whole number"),
        (lambda about: about.update(cluster_sizes=[13, -1]), "whole number"),
        (lambda about: about.update(cluster_sizes=12), "iterable"),
        (lambda about: about.update(position=None), "whole number"),
        (lambda about: about.update(title=7), "no text"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(server, damage, named):
    path = server.datasets[0].folder / "dataset.json"
    about = json.loads(path.read_text())
    damage(about)
    path.write_text(json.dumps(about))
    with pytest.raises(
        IndexDamaged, match=rf"first/dataset\.json: damaged \(.*({named}).*\); .* add the dataset again"
    ):
        _ = Index.open(server.place).datasets


def test_damage_is_named(tmp_path, colours, mean_colour, tiny):
    server = Index.create(tmp_path / "server")
    folder = server.add(colours("first"), 2, mean_colour, tiny(), size=8).folder
    whole = {
        name: (folder / name).read_bytes()
        for name in ("dataset.json", "samples.parquet", "samples.sqlite", "experts/001.safetensors")
    }

    def damage(name: str, content: bytes) -> Index:
        for each, bytes_ in whole.items():
            (folder / each).write_bytes(bytes_)
        (folder / name).write_bytes(content)
        return Index.open(server.place)

    for content in (b"", b"{", b"[]", b"{}", b"\xff\xfe", whole["dataset.json"].replace(b'"position"', b'"place"')):
        with pytest.raises(InputError, match=r"first/dataset\.json: damaged .* add the dataset again"):
            _ = damage("dataset.json", content).datasets
    with pytest.raises(InputError, match=r"samples\.parquet: not a Parquet file"):
        _ = damage("samples.parquet", whole["samples.parquet"][:-10]).table
    sample_table.write(colours("first").slice(0, 5), tmp_path / "short.parquet")
    with pytest.raises(InputError, match=r"samples\.parquet has 5 rows but dataset\.json says 12"):
        _ = damage("samples.parquet", (tmp_path / "short.parquet").read_bytes()).table
    with pytest.raises(InputError, match=r"001\.safetensors: not a readable"):
        damage("experts/001.safetensors", whole["experts/001.safetensors"][:-10]).experts()
    with pytest.raises(InputError, match=r"samples\.sqlite: cannot be read .* add the dataset again"):
        damage("samples.sqlite", whole["samples.sqlite"][:100]).read(np.arange(3))
    store.write(server.table.slice(0, 11).to_batches(), tmp_path / "short.sqlite")
    with pytest.raises(InputError, match=r"samples\.sqlite: it has no rows \[11\]"):
        damage("samples.sqlite", (tmp_path / "short.sqlite").read_bytes()).read(np.array([2, 11]))
    flipped = bytearray(whole["experts/001.safetensors"])
    flipped[-1] ^= 1
    with pytest.raises(InputError, match=r"001\.safetensors: not the expert that was indexed"):
        damage("experts/001.safetensors", bytes(flipped)).experts()
    assert len(damage("dataset.json", whole["dataset.json"]).experts()) == 2
