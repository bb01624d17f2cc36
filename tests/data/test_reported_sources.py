"""The published numbers stand in the sources' own text: every digit, every row in its printed order.

The texts are not part of the repository; where they do not lie beside the checkout these tests skip.
"""

import re
from pathlib import Path

import pandas as pd
import pytest

from ndslib.core import paths
from ndslib.data.reported import ids, reported

SHARED = paths.repo_root().parent / "shared"
SEEDS = {"NDS": "000_", "NDS-ICLR": "001_", "NDS-S": "002_", "T2S": "003_", "THESIS": "004_"}
ALL = pytest.mark.parametrize("ledger_id", ids())

# What the text extraction garbled, and what it must read (proof in data_manifests/reported/README.md).
GARBLED = {
    "ndsiclr-t1": {"~362": "36.2", "320-": "32.0", "\t486": "\t48.6", "341-": "34.3", "344-": "34.4"},
    "ndsiclr-t2": {"398^^": "39.8", "-344^^": "34.4"},
}
# Cells that the source merges over the seven columns that share one architecture.
MERGED = {("th-t2.4", "Inference FLOPs"): 7, ("th-t2.4", "Training FLOPs"): 7}
# Cells outside the printed tables' rows, and the words around each in the source; the last number is the cell's.
PHRASES = {
    ("nds-t1", "90K (5%)", "file size"): "downloading only 26 Gb",
    ("nds-t1", "180K (10%)", "file size"): "54CD",  # "54GB" in a garbled header, and 10 % of 538 GB
    ("nds-t1", "entire server", "file size"): "(538 Gb)",
    ("t2s-f6", "Imagenet subset minus Task2Sim", "average over 12 seen tasks, finetuning"): "about 2% shy",
    ("t2s-f8", "Task2Sim slightly above Imagenet-237", "images for pretraining"): "Imagenet at 50k images",
    ("t2s-f8", "Task2Sim above Domain Randomization up to", "images for pretraining"): "extrapolation of 500k images",
    ("t2s-f8", "Domain Randomization matches Task2Sim", "images for pretraining"): "at 1M pretraining images, matches",
    ("th-t2.1", "MRCNN / JITNet", "Params ratio"): r"$47\times$ fewer parameters",
    ("th-t2.1", "MRCNN / JITNet", "FLOPs ratio | Infer"): r"$91\times$ (inference)",
    ("th-t2.1", "MRCNN / JITNet", "FLOPs ratio | Train"): r"$34\times$ (training)",
    ("th-t2.2", "Offline Oracle", "teacher share"): "Oracle (20%)",
    ("th-t2.2", "Flow Slow", "speed-up"): "Slow (2.2×)",
    ("th-t2.2", "Flow Slow", "teacher share"): "Slow (2.2×) (12.5%)",
    ("th-t2.2", "Flow Fast", "speed-up"): "Fast (3.2×)",
    ("th-t2.2", "Flow Fast", "teacher share"): "Fast (3.2×) (6.2%)",
    ("th-t2.2", "JITNet 0.7", "speed-up in FLOPs"): r"$26.2\times$ in FLOPs",
    ("th-t2.2", "JITNet 0.9", "speed-up in FLOPs"): r"$11.3\times$ in FLOPs",
    ("th-t2.3", "OSVOS A", "teacher share"): "OSVOS (3.3%)",
    ("th-t2.3", "OSVOS B", "teacher share"): "OSVOS (3.3%)",
    ("th-t2.4", "JITNet", "inference time"): "compared to 7ms for JITNet",
    ("th-t2.4", "MobileNetV2", "inference time"): "MobileNetV2 takes 38ms",
    ("th-2.4.9", "large JITNet", "Cityscapes validation"): "larger JITNet gives a mean IoU of 67.34",
    ("th-2.4.9", "MobileNetV2", "Cityscapes validation"): "70.71 mean IoU of the MobileNetV2",
    ("th-2.4.9", "large JITNet", "speed-up over MobileNetV2"): r"is $1.5\times$ faster",
    ("th-f3.4", "Hydra-ResSep-A / ResSep-A", "Params ratio"): r"HydraNet-ResSep-A has $5.6\times$ more parameters",
    ("th-f3.4", "Hydra-ResSep-A / ResSep-A", "Total MADDs ratio"): r"$3.3\times$ more MADDs",
    ("th-f3.4", "Hydra-ResSep-A / ResSep-A", "Accuracy gain"): "outperforms the ResSep-A model by 2.5%",
    ("th-f3.4", "Hydra-ResSep-D / ResSep-D", "Params ratio"): r"HydraNet-ResSep-D has $2.8\times$ more parameters",
    ("th-f3.4", "Hydra-ResSep-D / ResSep-D", "Total MADDs ratio"): r"$1.5\times$ more multiply-adds",
    ("th-f3.4", "Hydra-ResSep-D / ResSep-D", "Accuracy gain"): "accuracy improves by 1.18%",
    ("th-f4.3", "iNaturalist", "categories"): "(a) iNaturalist 50 categories",
    ("th-f4.3", "iNaturalist", "rarest category"): "iNaturalist 50 categories (each is ~ 0.01",
    ("th-f4.3", "iNaturalist", "commonest category"): "0.26% of data)(b)",
    ("th-f4.3", "Places", "categories"): "(b) Places 20 categories",
    ("th-f4.3", "Places", "rarest category"): "Places 20 categories (each is ~ 0.19",
    ("th-f4.3", "Places", "commonest category"): "0.27% of data)",
    ("th-f4.3", "iNaturalist | Ours matches Fully supervised", "labels per category"): "accuracy when 500 images",
    (
        "th-f4.3",
        "Places | Ours still below Fully supervised",
        "labels per category",
    ): "only label a total of 1000 images",
    ("th-t5.1", "background frequency", "N = 1"): "$N = 1$ (99.98%)",
    ("th-t5.1", "background frequency", "N = 10"): "$N = 10$ (99.83%)",
    ("th-t5.1", "background frequency", "N = 100"): "$N = 100$ (98.30%)",
    ("th-t5.1", "background frequency", "N = 1100"): "$N = 1100$ (77.95%)",
    ("th-t5.1", "background frequency", "N = 5089"): "$N = 5089$ (0%)",
    ("th-t5.2", "background frequency", "N = 1"): "$N = 1$ (99.72%)",
    ("th-t5.2", "background frequency", "N = 10"): "$N = 10$ (97.22%)",
    ("th-t5.8", "background frequency", "1% of background"): "\t(36.64%)",
    ("th-t5.8", "background frequency", "5% of background"): "(36.64%)\t\t(74.30%)",
    ("th-t5.8", "background frequency", "25% of background"): "(74.30%)\t\t(93.52%)",
    ("th-t5.8", "background frequency", "100% of background"): "(93.52%)\t\t(98.30%)",
    ("th-f5.2", "iNaturalist 2017", "categories"): "category vocabulary (5089 categories",
    ("th-f5.2", "iNaturalist 2017", "training images"): "dataset has 579,184 training images",
    ("th-f5.2", "iNaturalist-BG (N = 100)", "background"): "contains 98.3% of the images",
    ("th-f5.2", "iNaturalist-BG (N = 100)", "chosen categories"): "constitute only 1.7% of the dataset",
    ("th-f5.3", "iNaturalist-BG (N = 100)", "pseudo-categories"): "in this example, 1000 ImageNet categories",
    ("th-f5.3", "iNaturalist-BG (N = 100)", "largest pseudo-category"): "is only 4.5% of the dataset",
    ("th-f5.3", "iNaturalist-BG (N = 100)", "background"): "“background” category (98.3%)",
}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
SUFFIX = {"k": 1_000, "M": 1_000_000}


def _printed(ledger_id: str) -> pd.DataFrame:
    """The file as text: digits as printed ("0.50", not 0.5)."""
    return pd.read_csv(paths.manifests_root() / "reported" / f"{ledger_id}.csv", dtype=str)


def _plain(text: str) -> str:
    """Numbers without thousands separators and suffixes: 579,184 and 50k become 579184 and 50000."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return re.sub(r"\b(\d+)([kM])\b", lambda found: str(int(found[1]) * SUFFIX[found[2]]), text)


def _source(table: str, ledger_id: str) -> str:
    """The text of the source that `table` belongs to, what is garbled in that table put right."""
    [seed] = (SHARED / "seeds").glob(SEEDS[table.split()[0]] + "*.txt")
    text = seed.read_text()
    for garbled, meant in GARBLED.get(ledger_id, {}).items():
        assert garbled in text, f"{garbled} is not in {seed.name}: drop it from GARBLED"
        text = text.replace(garbled, meant)
    return _plain(text)


def _holds(line: list[str], run: list[str]) -> bool:
    return any(line[start : start + len(run)] == run for start in range(len(line) - len(run) + 1))


def _find_in_order(lines: list[list[str]], runs: list[list[str]], window: int = 40) -> bool:
    """Whether `runs` stand on successive lines, one after the other, within `window` lines."""
    for start in (number for number, line in enumerate(lines) if _holds(line, runs[0])):
        remaining = iter(lines[start : start + window])
        if all(any(_holds(line, run) for line in remaining) for run in runs):
            return True
    return False


def _is_printed_table(table: str) -> bool:
    return re.fullmatch(r"\S+ Table [\d.]+", table) is not None


@pytest.fixture(scope="module")
def seeds() -> Path:
    if not (SHARED / "seeds").is_dir():
        pytest.skip(f"no {SHARED / 'seeds'}: the sources' texts are not part of the repository")
    return SHARED / "seeds"


@ALL
def test_every_row_of_a_table_stands_in_the_source_as_printed(ledger_id, seeds):
    for table, cells in _printed(ledger_id).groupby("table", sort=False):
        if not _is_printed_table(table):
            continue
        runs = []
        for row, values in cells.groupby("row", sort=False)["value"]:
            merged = MERGED.get((ledger_id, row), 1)
            assert values.iloc[:merged].nunique() == 1
            runs.append(values.iloc[merged - 1 :].tolist())
        lines = [NUMBER.findall(line) for line in _source(table, ledger_id).splitlines()]
        assert _find_in_order(lines, runs), f"{table}: rows are not in the text in this order: {runs}"


@pytest.mark.parametrize(
    ("cell", "phrase"), PHRASES.items(), ids=lambda part: part[0] if isinstance(part, tuple) else ""
)
def test_a_number_from_the_text_stands_in_its_phrase(cell, phrase, seeds):
    ledger_id, row, column = cell
    found = _printed(ledger_id).set_index(["row", "column"]).loc[(row, column)]
    assert _plain(phrase) in _source(found["table"], ledger_id)
    assert NUMBER.findall(_plain(phrase))[-1] == found["value"]


def test_phrases_cover_every_number_outside_the_printed_tables():
    cells = pd.concat([reported(ledger_id).assign(id=ledger_id) for ledger_id in ids()])
    outside = cells[~cells["table"].map(_is_printed_table)]
    assert set(PHRASES) == set(outside[["id", "row", "column"]].itertuples(index=False, name=None))
