"""The published numbers: their form, bad input, the agreement of the sources with each other, cells read by eye."""

import re

import numpy as np
import pandas as pd
import pytest

from ndslib.core import paths
from ndslib.core.errors import InputError
from ndslib.data.reported import COLUMNS, as_table, ids, ledger, reported

SHARED = paths.repo_root().parent / "shared"
SOURCES = r"(NDS|NDS-ICLR|NDS-S|T2S|THESIS)"
UNITS = {
    *("%", "top-1 %", "AP %", "box AP %", "mask AP %", "mAP %", "F1 %", "mIoU %", "% of frames", "% of images"),
    *("1", "x", "M", "MADDs M", "G", "GB", "ms", "fraction", "points", "images", "classes", "categories", "labels"),
}
CLASSES = ["car", "truck", "rider", "bicycle", "person", "bus", "mcycle", "train"]
ALL = pytest.mark.parametrize("ledger_id", ids())


# ---- form -----------------------------------------------------------------------------------------------------------


def test_ledger_columns_and_vocabulary():
    frame = ledger()
    assert list(frame.columns) == ["id", "chapter", "what", "kind", "notebook"]
    assert len(frame) == 72
    assert frame["kind"].str.fullmatch(r"[SDP](, [SDP])*").all()
    assert frame["notebook"].str.fullmatch(r"[a-z0-9]+/\d\d(, [a-z0-9]+/\d\d)*").all()
    chapters = {"nds", "task2sim", "jitnet", "hydranet", "rare", "bgsplit"}
    assert set(frame["chapter"]) == chapters
    for chapter, notebooks in zip(frame["chapter"], frame["notebook"], strict=True):
        assert {name.split("/")[0] for name in notebooks.split(", ")} == {chapter}


def _expand(cell: str) -> list[str]:
    """ "t2s-f6, f7" -> t2s-f6, t2s-f7;  "ndss-f2..f4" -> ndss-f2, ndss-f3, ndss-f4."""
    found, prefix = [], ""
    for token in re.split(r"\s*[,=]\s*", cell):
        first, _, last = token.partition("..")
        prefix = first[: first.index("-") + 1] if "-" in first else prefix
        stem, number = re.fullmatch(r"(.*?)(\d+)", first.removeprefix(prefix)).groups()
        stop = int(re.search(r"(\d+)$", last)[1]) if last else int(number)
        found += [f"{prefix}{stem}{n}" for n in range(int(number), stop + 1)]
    return found


def test_ledger_holds_every_id_of_the_plan_with_its_kind_and_notebooks():
    plan = SHARED / "ledger.md"
    if not plan.is_file():
        pytest.skip(f"no {plan}: the plan that the ledger was made from lies beside the checkout")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([SDP, ]+) \| (.+?) \|$", plan.read_text(), re.MULTILINE)
    expected = {ledger_id: (kind, notebook) for cell, kind, notebook in rows for ledger_id in _expand(cell)}
    ours = ledger().set_index("id")
    assert sorted(ours.index) == sorted(expected)
    for ledger_id, (kind, notebook) in expected.items():
        assert ours.loc[ledger_id, "kind"] == kind, ledger_id
        planned = set(re.findall(r"\b\d\d\b", notebook))
        assert set(re.findall(r"\b\d\d\b", ours.loc[ledger_id, "notebook"])) <= planned, ledger_id


def test_every_table_of_the_ledger_has_numbers_and_no_file_is_outside_the_ledger():
    known = set(ledger()["id"])
    assert {ledger_id for ledger_id in known if re.search(r"-t\d", ledger_id)} <= set(ids())
    assert {path.stem for path in (paths.manifests_root() / "reported").glob("*.csv")} <= known
    assert "th-2.4.9" in ids()
    assert "nds-f2" not in ids()


@ALL
def test_cells_are_well_formed(ledger_id):
    cells = reported(ledger_id)
    assert list(cells.columns) == COLUMNS
    assert cells["value"].dtype == np.float64
    assert set(cells["unit"]) <= UNITS
    text = pd.read_csv(paths.manifests_root() / "reported" / f"{ledger_id}.csv", dtype=str)
    assert text["value"].str.fullmatch(r"-?\d+(\.\d+)?").all()
    for name in ("table", "row", "column"):
        assert cells[name].str.strip().eq(cells[name]).all()
    assert cells["table"].str.match(rf"{SOURCES} (Table|Figure|Section) \d").all()
    percent = cells.loc[cells["unit"].str.contains("%"), "value"]
    assert percent.between(0, 100).all()


@ALL
def test_as_table_holds_every_cell_once_in_printed_order(ledger_id):
    cells = reported(ledger_id)
    for table in cells["table"].unique():
        wide, part = as_table(ledger_id, table), cells[cells["table"] == table]
        assert list(wide.index) == list(part["row"].unique())
        assert wide.notna().sum().sum() == len(part)
        assert all(wide.loc[row, column] == value for row, column, value in part[["row", "column", "value"]].to_numpy())


def test_as_table_keeps_the_column_order_when_the_first_row_has_holes():
    first, second = "100 classes / 40k images", "237 classes / 100k images"
    assert list(as_table("t2s-t2").columns) == [
        *(f"{first} | 5NN", f"{first} | Linear Probing", f"{first} | Finetuning"),
        *(f"{second} | Linear Probing", f"{second} | Finetuning"),
    ]
    assert np.isnan(as_table("t2s-t2").loc["Scratch", f"{first} | 5NN"])


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "near"), [("nds-t44", "nds-t4"), ("th-3.1", "th-t3.1"), ("ndsclr-t1", "ndsiclr-t1")])
def test_an_unknown_id_names_near_ones(wrong, near):
    with pytest.raises(InputError, match=rf"ledger\.csv.*'{wrong}'.*did you mean.*\b{re.escape(near)}\b"):
        reported(wrong)


@pytest.mark.parametrize("wrong", ["zzzzzz", "", "../ledger"])
def test_an_unknown_id_without_near_ones_is_refused_too(wrong):
    with pytest.raises(InputError, match="no ledger id"):
        as_table(wrong)


def test_a_picture_without_numbers_and_an_unknown_table_are_refused():
    with pytest.raises(InputError, match=r"nds-f2\.csv.*prints no number.*reported\.ids"):
        reported("nds-f2")
    with pytest.raises(InputError, match=r"th-t5\.2\.csv.*'THESIS Table 9'.*THESIS Table 5\.2, header"):
        as_table("th-t5.2", "THESIS Table 9")


HEADER = "table,row,column,value,unit\n"
CELL = "NDS Table 4,a,b,1.5,%\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + CELL + CELL.replace("1.5", "2.5"), r"line 3: a \(row, column\) twice.*correct"),
        (HEADER + CELL.replace("1.5", '"1,5"'), r"line 2: a value that is no finite number.*'1,5'"),
        (HEADER + CELL.replace("1.5", "inf"), "no finite number"),
        (HEADER + CELL.replace("1.5", "nan"), "no finite number"),
        (HEADER + CELL.replace("1.5", ""), "line 2: .* must be 5 cells, none empty; correct"),
        (HEADER + CELL + "NDS Table 4,a\n", "line 3: .* must be 5 cells"),
        (HEADER + "NDS Table 4,a,b,1.5,%,more\n" + CELL, "line 2: .*'more'.* must be 5 cells"),
        (HEADER, "no rows"),
        ("", r"columns are \[\]; they must be"),
        (HEADER + '"NDS Table 4\n', "not a CSV table"),
        ("table,row,value\nNDS Table 4,a,1\n", r"columns are \['table', 'row', 'value'\]; they must be"),
    ],
)
def test_a_malformed_file_is_refused_with_its_name(tmp_path, monkeypatch, text, message):
    folder = tmp_path / "data_manifests"
    (folder / "reported").mkdir(parents=True)
    (folder / "ledger.csv").write_text("id,chapter,what,kind,notebook\nnds-t4,nds,ablation,D,nds/03\n")
    (folder / "reported" / "nds-t4.csv").write_text(text)
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path))
    with pytest.raises(InputError, match=rf"nds-t4\.csv.*({message})"):
        reported("nds-t4")


def test_a_ledger_with_an_id_twice_or_absent_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path))
    with pytest.raises(InputError, match=r"ledger\.csv: no such file.*NDSLIB_ROOT"):
        ledger()
    (tmp_path / "data_manifests").mkdir()
    line = "nds-t4,nds,ablation,D,nds/03\n"
    (tmp_path / "data_manifests" / "ledger.csv").write_text("id,chapter,what,kind,notebook\n" + line + line)
    with pytest.raises(InputError, match="line 3: an id twice"):
        ledger()


# ---- the sources agree with each other ------------------------------------------------------------------------------


def _same(left: pd.DataFrame, right: pd.DataFrame, tolerance: float = 0.0) -> None:
    pd.testing.assert_frame_equal(left, right, rtol=0, atol=tolerance + 1e-9, check_names=False)


def test_nds_ablation_is_the_same_in_both_papers():
    _same(as_table("nds-t4"), as_table("ndsiclr-t3"))


def test_nds_comparison_is_the_ablation_rounded_to_one_digit():
    comparison, ablation = as_table("nds-t5"), as_table("nds-t4").rename(lambda row: row.replace(" (SP+SS)", ""))
    rows = ["100% | Entire Dataset"] + [f"{s} | {m}" for s in ("20%", "40%") for m in ("Uniform Sampling", "NDS")]
    _same(comparison.loc[rows], ablation.loc[rows, list(comparison.columns)], tolerance=0.05)


def test_ndsiclr_summary_agrees_with_the_tables_it_summarises():
    summary, comparison, coco = as_table("ndsiclr-t1"), as_table("nds-t5"), as_table("ndsiclr-t2")
    classification = summary.filter(like="Classification").rename(columns=lambda name: name.split(" | ")[1])
    rows = summary.index.intersection(comparison.index)
    assert len(rows) == 7
    _same(classification.loc[rows], comparison.loc[rows])
    scratch = "0% | Random Initialization"
    _same(classification.loc[[scratch]], as_table("nds-t4").loc[[scratch], list(classification)], tolerance=0.05)
    ours = summary.filter(like="Cityscapes").drop(index=["20% | Ngiam et al.", "40% | Ngiam et al."])
    names = {scratch: "0% | ImageNet Initialization", "100% | Entire Dataset": "100% | Full COCO"}
    assert coco.loc[[names.get(row, row) for row in ours.index], ["box AP", "mask AP"]].to_numpy().tolist() == (
        ours.to_numpy().tolist()
    )


@pytest.mark.parametrize(("short", "full"), [("nds-t2", "ndss-t4"), ("nds-t3", "ndss-t5")])
def test_supplement_extends_the_main_tables(short, full):
    _same(as_table(short), as_table(full)[["box AP", "box AP50", "mask AP", "mask AP50"]])


def test_coco_shares_and_image_counts_are_the_same_experiment():
    shares = {"0": "0%", "23K": "20%", "47K": "40%", "59K": "50%", "118K": "100%"}
    supplement = as_table("ndss-t4").rename(lambda row: f"{shares[row.split(' | ')[0]]} | {row.split(' | ')[1]}")
    _same(supplement.drop(columns="box AP50"), as_table("ndsiclr-t2"))


@pytest.mark.parametrize("ledger_id", ["ndss-t4", "ndss-t5", "ndsiclr-t2"])
def test_mask_ap_is_the_mean_of_the_classes(ledger_id):
    table = as_table(ledger_id)
    mean = table[[f"mask AP | {name}" for name in CLASSES]].mean(axis=1)
    # nine rounded numbers: 0.05 of the mean itself and at most 0.05 of the classes' mean
    np.testing.assert_allclose(table["mask AP"], mean, atol=0.1 + 1e-9)


def test_the_common_starting_points_are_the_same_everywhere():
    scratch = as_table("nds-t4").loc["0% | Random Initialization"]
    for ledger_id in ("ndss-t1", "ndss-t2"):
        assert as_table(ledger_id).loc["0% | Random Initialization"].tolist() == scratch.tolist()
    start = "0 | ImageNet Initialization"
    assert as_table("ndss-t4").loc[start].tolist() == as_table("ndss-t5").loc[start].tolist()
    for ledger_id in ("t2s-t2", "t2s-t3"):
        assert as_table(ledger_id).loc["Scratch"].dropna().nunique() == 1


@pytest.mark.parametrize("client", ["PASCAL VOC 2007", "miniModaNet", "Cityscapes"])
def test_ap_at_a_loose_threshold_is_the_highest(client):
    table = as_table("nds-t1")
    assert (table[f"{client} | box AP50"] > table[[f"{client} | box AP", f"{client} | box AP75"]].max(axis=1)).all()


def test_jitnet_cost_is_the_same_in_both_tables():
    cost, ablation = as_table("th-t2.1"), as_table("th-t2.4")["JITNet | Baseline"]
    assert cost.loc["JITNet", "FLOPs | Infer"] == ablation["Inference FLOPs"]
    assert cost.loc["JITNet", "FLOPs | Train"] == ablation["Training FLOPs"]


def test_no_stream_is_faster_than_its_teacher_share_and_inference_allow():
    table, cost = as_table("th-t2.2"), as_table("th-t2.1")["Time | Infer"]
    streams = table[table.index.str.startswith("Individual Streams")]
    assert len(streams) == 10
    for student in ("JITNet 0.7", "JITNet 0.8", "JITNet 0.9"):
        share = streams[f"{student} | teacher share"]
        assert share.between(100 / 64 - 0.05, 100 / 8).all()  # one frame in 64 at least, one in 8 at most
        bound = 1 / (cost["JITNet"] / cost["MRCNN"] + (share - 0.05) / 100)
        assert (streams[f"{student} | speed-up"] <= bound).all()


@pytest.mark.parametrize(
    ("ledger_id", "family"),
    [(f"th-t3.{n}", f) for n, f in [(1, "ResSep-"), (4, "Hydra-ResSep-"), (3, "Hydra-Res-"), (3, "ResNet-")]]
    + [("th-t3.3", "Hydra-Dense-"), ("th-t3.3", "DenseNet-")],
)
def test_larger_models_cost_more_and_classify_better(ledger_id, family):
    table = as_table(ledger_id)
    members = table[table.index.str.startswith(family)]
    assert len(members) >= 4
    numbers = members[[name for name in members if name in ("Params", "MADDs", "Inference MADDs", "Accuracy")]]
    assert numbers.shape[1] == 3
    assert (numbers.diff().iloc[1:] > 0).all().all()


def test_hydra_resep_a_is_the_same_model_in_every_table():
    model = as_table("th-t3.4").loc["Hydra-ResSep-A"]
    branches, executed, split = as_table("th-t3.5"), as_table("th-t3.6"), as_table("th-t3.7").loc["Block 3"]
    accuracies = [branches.loc["Accuracy", "n_b = 50"], executed.loc["Accuracy", "k = 5"], split["Accuracy"]]
    assert {*accuracies, as_table("th-t3.8").loc["CLUSTER", "Accuracy"]} == {model["Accuracy"]} == {64.40}
    assert executed.loc["Inference MADDs", "k = 5"] == split["Conditional MADDs"] == model["MADDs"]
    assert branches.loc["Total MADDs", "n_b = 50"] == split["Total MADDs"]
    assert branches.loc["Params", "n_b = 50"] == model["Params"] == 10.89
    assert split["Params"] == 9.66  # as printed: the thesis contradicts itself here, see reported/README.md


def test_background_splitting_results_repeat_over_the_tables():
    main, sampled, batch = as_table("th-t5.1"), as_table("th-t5.8"), as_table("th-t5.7")
    parts, task = as_table("th-t5.5").iloc[0], as_table("th-t5.3")
    at_100 = main[["N = 100 | mAP", "N = 100 | F1"]]
    for method in ("FT", "LDAM", "LWS", "BG-SPLIT"):
        full = sampled.loc[method, ["100% of background | AP", "100% of background | F1"]]
        assert full.tolist() == at_100.loc[method].tolist()
    assert batch.loc["batch size 512", ["FT | AP", "FT | F1"]].tolist() == at_100.loc["FT"].tolist()
    ours = at_100.loc["BG-SPLIT"].tolist()
    assert batch.loc["batch size 1024", ["BG-SPLIT | AP", "BG-SPLIT | F1"]].tolist() == ours
    assert parts[["Both (BG-SPLIT) | mAP", "Both (BG-SPLIT) | F1"]].tolist() == ours
    assert task.loc["ImageNet | Classifier"].tolist() == ours
    assert as_table("th-t5.4").loc["BG-SPLIT", "mAP"] == ours[0]
    none = parts[["None (FT) | mAP", "None (FT) | F1"]].tolist()
    assert batch.loc["batch size 1024", ["FT | AP", "FT | F1"]].tolist() == none
    threshold = parts[["BG thresh only | mAP", "BG thresh only | F1"]].tolist()
    assert task.loc["No auxiliary loss"].tolist() == threshold


def test_background_frequencies_agree():
    frequency = as_table("th-t5.1", "THESIS Table 5.1, header").iloc[0]
    assert as_table("th-t5.8", "THESIS Table 5.8, header").iloc[0]["100% of background"] == frequency["N = 100"]
    before, after = as_table("th-f5.2"), as_table("th-f5.3")
    name = "iNaturalist-BG (N = 100)"
    assert before.loc[name, "background"] == after.loc[name, "background"] == frequency["N = 100"]
    assert before.loc[name, "background"] + before.loc[name, "chosen categories"] == pytest.approx(100)


# ---- a few cells of each table, read by eye -------------------------------------------------------------------------

A, B = "100 classes / 40k images", "237 classes / 100k images"
SPOTS = [
    ("nds-t1", "180K (10%) | NDS", "PASCAL VOC 2007 | box AP50", 78.61, "AP %"),
    ("nds-t1", "90K (5%) | Uniform Sampling", "miniModaNet | box AP75", 39.09, "AP %"),
    ("nds-t1", "0 | ImageNet Initialization", "Cityscapes | box AP", 34.94, "AP %"),
    ("nds-t1", "180K (10%)", "file size", 54, "GB"),
    ("nds-t2", "47K | NDS", "mask AP50", 62.3, "AP %"),
    ("nds-t2", "59K | Uniform Sampling", "box AP50", 64.9, "AP %"),
    ("nds-t3", "200K | NDS", "box AP", 40.7, "AP %"),
    ("nds-t3", "118K | Uniform Sampling", "mask AP", 32.8, "AP %"),
    ("nds-t4", "20% | NDS (SP+SS)", "Stanford Dogs", 73.46, "top-1 %"),
    ("nds-t4", "40% | NDS (UP+SS)", "CUB200 Birds", 57.44, "top-1 %"),
    ("nds-t4", "100% | Entire Dataset", "Flowers 102", 84.14, "top-1 %"),
    ("ndsiclr-t3", "40% | NDS (SP+TS)", "Stanford Cars", 50.67, "top-1 %"),
    ("nds-t5", "20% | KNN + Cui et al.", "Oxford-IIIT Pets", 74.4, "top-1 %"),
    ("nds-t5", "40% | Ngiam et al.", "CUB200 Birds", 57.4, "top-1 %"),
    ("ndsiclr-t1", "20% | NDS", "Detection | KITTI", 27.3, "box AP %"),
    ("ndsiclr-t1", "0% | Random Initialization", "Segmentation | KITTI", 17.8, "mask AP %"),
    ("ndsiclr-t1", "20% | Uniform Sampling", "Segmentation | Cityscapes", 34.3, "mask AP %"),
    ("ndsiclr-t2", "50% | NDS", "mask AP | train", 44.5, "AP %"),
    ("ndsiclr-t2", "40% | Uniform Sampling", "box AP", 39.8, "AP %"),
    ("ndss-t1", "20% | NDS", "Flowers 102", 65.90, "top-1 %"),
    ("ndss-t2", "100% | Entire Dataset", "Stanford Cars", 55.87, "top-1 %"),
    ("ndss-t3", "OpenImages", "classes (mask)", 300, "classes"),
    ("ndss-t3", "Stanford Cars", "images (val)", 8041, "images"),
    ("ndss-t3", "Downsampled ImageNet", "images", 1281167, "images"),
    ("ndss-t4", "118K | Full COCO", "mask AP | mcycle", 22.3, "AP %"),
    ("ndss-t5", "200K | NDS", "mask AP | bus", 57.8, "AP %"),
    ("t2s-t1", "+Materials", "SVHN", 44.84, "top-1 %"),
    ("t2s-t1", "+Background", "Sketch", 14.60, "top-1 %"),
    ("t2s-t2", "Task2Sim", f"{A} | 5NN", 30.46, "top-1 %"),
    ("t2s-t2", "Imagenet*", f"{B} | Linear Probing", 68.44, "top-1 %"),
    ("t2s-t3", "Domain Randomization", f"{A} | Finetuning", 72.64, "top-1 %"),
    ("t2s-t3", "Task2Sim", f"{B} | Finetuning", 88.77, "top-1 %"),
    ("th-t2.1", "JITNet", "FLOPs | Train", 42.0, "G"),
    ("th-t2.1", "MRCNN", "Params", 141, "M"),
    ("th-t2.2", "Overall", "JITNet 0.9 | speed-up", 7.5, "x"),
    ("th-t2.2", "Category Averages | Traffic", "Flow Slow | accuracy", 82.6, "mIoU %"),
    ("th-t2.2", "Individual Streams | Kabaddi (P)", "JITNet 0.8 | teacher share", 1.7, "% of frames"),
    ("th-t2.2", "Individual Streams | Driving (P,A,Bk)", "JITNet 0.9 | accuracy", 66.7, "mIoU %"),
    ("th-t2.2", "Flow Fast", "speed-up", 3.2, "x"),
    ("th-t2.3", "Category Averages | Animals", "OSVOS B | accuracy", 79.8, "mIoU %"),
    ("th-t2.3", "Overall", "JITNet 0.8 | speed-up", 14.5, "x"),
    ("th-t2.4", "Accuracy", "JITNet | Learning Rate 0.1", 16.7, "mIoU %"),
    ("th-t2.4", "Inference FLOPs", "JITNet | Width 2.0", 47.9, "G"),
    ("th-t2.4", "Training FLOPs", "MobileNet | Output Stride 16", 53.0, "G"),
    ("th-t2.4", "Teacher Share", "JITNet | No Skip", 6.3, "% of frames"),
    ("th-t2.5", "JITNet C", "J decay", -0.004, "fraction"),
    ("th-t2.5", "OSVOS-S", "F recall", 0.959, "fraction"),
    ("th-2.4.9", "large JITNet", "Cityscapes validation", 67.34, "mIoU %"),
    ("th-2.4.9", "MobileNetV2", "Cityscapes validation", 70.71, "mIoU %"),
    ("th-t3.1", "ResSep-D", "MADDs", 620, "MADDs M"),
    ("th-t3.1", "MobileNet", "Params", 4.2, "M"),
    ("th-t3.3", "Hydra-Dense-d6", "Params", 18.72, "M"),
    ("th-t3.3", "ResNet-164", "Accuracy", 73.26, "top-1 %"),
    ("th-t3.3", "DenseNet-d8", "Inference MADDs", 1080, "MADDs M"),
    ("th-t3.4", "Hydra-ResSep-E", "w_g", 0.5, "1"),
    ("th-t3.4", "Hydra-ResSep-C", "Accuracy", 69.09, "top-1 %"),
    ("th-t3.5", "Total MADDs", "n_b = 25", 376, "MADDs M"),
    ("th-t3.6", "Accuracy", "k = 1", 60.08, "top-1 %"),
    ("th-t3.7", "Block 2", "Total MADDs", 695, "MADDs M"),
    ("th-t3.8", "NO GATING", "Accuracy", 66.21, "top-1 %"),
    ("th-f3.4", "Hydra-ResSep-A / ResSep-A", "Params ratio", 5.6, "x"),
    ("th-f4.3", "iNaturalist", "commonest category", 0.26, "% of images"),
    ("th-t5.1", "BG-SPLIT", "N = 1 | mAP", 52.9, "mAP %"),
    ("th-t5.1", "FOCAL", "N = 100 | F1", 3.94, "F1 %"),
    ("th-t5.1", "LWS", "N = 5089 | mAP", 60.0, "mAP %"),
    ("th-t5.2", "FT", "N = 10 | F1", 51.4, "F1 %"),
    ("th-t5.3", "ImageNet | Cluster-5K", "F1", 41.0, "F1 %"),
    ("th-t5.4", "Decoupled aux/main", "mAP", 28.3, "mAP %"),
    ("th-t5.5", "iNaturalist-BG (N = 100)", "Aux loss only | F1", 40.4, "F1 %"),
    ("th-t5.6", "Fine-tune last layer | FT on 100 categories (S1)", "100 new categories (S2)", 15.4, "mAP %"),
    ("th-t5.7", "batch size 256", "BG-SPLIT | Precision", 61.3, "%"),
    ("th-t5.8", "LWS", "25% of background | AP", 38.8, "mAP %"),
    ("th-f5.2", "iNaturalist 2017", "training images", 579184, "images"),
    ("th-f5.3", "iNaturalist-BG (N = 100)", "largest pseudo-category", 4.5, "% of images"),
    ("t2s-f6", "Imagenet subset minus Task2Sim", "average over 12 seen tasks, finetuning", 2, "points"),
    ("t2s-f8", "Domain Randomization matches Task2Sim", "images for pretraining", 1_000_000, "images"),
]


@pytest.mark.parametrize(("ledger_id", "row", "column", "value", "unit"), SPOTS)
def test_spot(ledger_id, row, column, value, unit):
    cells = reported(ledger_id).set_index(["row", "column"])
    assert cells.loc[(row, column), "value"] == value
    assert cells.loc[(row, column), "unit"] == unit


def test_spots_cover_every_id():
    assert {spot[0] for spot in SPOTS} == set(ids())
