"""The detection rows of the ledger, from made-up results."""

import numpy as np
import pandas as pd
import pytest

from ndslib.core.errors import InputError
from ndslib.data.reported import as_table
from ndslib.nds import ledger
from ndslib.nds.detection_ledger import ENTIRE, INIT, LAYOUTS, NDS, UNIFORM

BOXES = ("box AP", "box AP50", "box AP75")
MASKS = (*BOXES, "mask AP", "mask AP50", "mask AP75", "mask AP | car", "mask AP | motorcycle")


def runs(experiment: str, server: str, clients, budgets, metrics, seeds=(0, 1, 2), entire=False) -> pd.DataFrame:
    """AP 0.1 without pretraining; uniform +0.1, NDS +0.2, everything +0.3; masks 0.05 less, 0.01 more a seed."""
    gains = {(INIT, 0.0): 0.0} | {(UNIFORM, b): 0.1 for b in budgets} | {(NDS, b): 0.2 for b in budgets}
    gains |= {(ENTIRE, 1.0): 0.3} if entire else {}
    return pd.DataFrame(
        {
            "experiment": experiment,
            "method": method,
            "seed": seed,
            "metric": metric,
            "value": 0.1 + gain * (1 + 0.1 * seed * (method == NDS)) - 0.05 * metric.startswith("mask") + 0.01 * seed,
            "client": client,
            "server": server,
            "budget": budget,
        }
        for client in clients
        for (method, budget), gain in gains.items()
        for metric in metrics
        for seed in seeds
    )


@pytest.fixture
def results() -> pd.DataFrame:
    return pd.concat(
        [
            runs("detection", "scenes_a + scenes_b", ("street", "mixed", "room"), (0.05, 0.1), BOXES),
            runs("segmentation", "scenes_a", ("street", "avenue"), (0.2, 0.4, 0.5), MASKS, entire=True),
            runs("segmentation", "scenes_b", ("street",), (0.068, 0.115), MASKS),
        ],
        ignore_index=True,
    )


@pytest.mark.parametrize("ledger_id", LAYOUTS)
def test_every_published_row_has_ours_beside_it(results, ledger_id):
    table = ledger.render(ledger_id, results).table
    ours = table.xs("ours", axis=1, level=1)
    assert ours.notna().any(axis=1).all(), "a printed row without a result of ours"
    if ledger_id != "ndsiclr-f4":
        published = as_table(ledger_id)
        assert table.index[: len(published)].tolist() == published.index.tolist()
        assert len(table) == len(published), "every result of ours belongs to a printed row"
        paper = table.xs("paper", axis=1, level=1)
        assert np.nansum(paper.to_numpy()) == pytest.approx(np.nansum(published.round(1).to_numpy()))


def test_table_1_has_a_column_a_client_and_metric_in_the_papers_order(results):
    table = ledger.render("nds-t1", results).table
    clients = ["PASCAL VOC 2007 (ours: mixed)", "miniModaNet (ours: room)", "Cityscapes (ours: street)"]
    wanted = [f"{client} | {metric}" for client in clients for metric in BOXES]
    assert table.columns.get_level_values(0).unique().tolist() == wanted
    cell = table["Cityscapes (ours: street) | box AP"].loc["180K (10%) | NDS"]
    assert cell.tolist() == [40.1, 33.0]  # 0.1 + 0.2 * (1, 1.1, 1.2) + 0.01 * (0, 1, 2)


def test_class_columns_are_the_clients_own_beside_the_published_eight(results):
    table = ledger.render("ndss-t4", results).table
    assert table["mask AP | car"].loc["23K | NDS"].tolist() == [51.3, 28.0]
    assert table["mask AP | mcycle"].loc["118K | Full COCO"].tolist() == [22.3, 36.0]
    assert np.isnan(table["mask AP | train"].loc["23K | NDS", "ours"])
    assert not ledger.render("nds-t2", results).table.columns.get_level_values(0).str.contains("car").any()


def test_claims_are_paired_over_seeds_by_client_and_in_the_mean(results):
    claims = {each.claim: each for each in ledger.render("nds-t1", results).claims}
    assert len(claims) == 2 * 2 * 4, "two budgets, over uniform and over none, three clients and their mean"
    over = claims["NDS at 5% of scenes_a + scenes_b above Uniform Sampling, all clients, box AP points"]
    # 10, 12 and 14 points: mean 12, deviation 2, t(0.975, 2) = 4.3027
    assert (over.estimate, over.n, over.headline, over.verdict) == (pytest.approx(12), 3, True, "holds")
    assert over.low == pytest.approx(12 - 4.3027 * 2 / 3**0.5, abs=1e-3)
    none = claims["NDS at 10% of scenes_a + scenes_b above ImageNet Initialization, mixed, box AP points"]
    assert (none.estimate, none.headline) == (pytest.approx(22), False)


def test_one_clients_table_claims_boxes_and_masks_and_no_mean(results):
    texts = [each.claim for each in ledger.render("nds-t3", results).claims]
    assert len(texts) == 2 * 2 * 2
    assert not any("all clients" in text for text in texts)
    assert "NDS at 6.8% of scenes_b above Uniform Sampling, street, mask AP points" in texts


def test_one_seed_decides_nothing(results):
    rendered = ledger.render("nds-t2", results[results["seed"] == 0])
    assert {(each.n, each.verdict) for each in rendered.claims} == {(1, "undecided")}


def test_a_share_that_is_not_printed_comes_last(results):
    more = runs("segmentation", "scenes_a", ("street",), (0.3,), MASKS)
    rows = pd.concat([results, more[more["method"] != INIT]])
    assert ledger.render("nds-t2", rows).table.index[-2:].tolist() == ["30% | Uniform Sampling", "30% | NDS"]


def test_bars_of_shares_have_a_panel_a_client_and_metric(results):
    rendered = ledger.render("ndsiclr-f4", results)
    panels = rendered.figure.axes
    assert [axes.get_title() for axes in panels] == ["box AP", "box AP50", "mask AP", "mask AP50"] * 2
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in panels[0].containers}
    assert heights[NDS] == pytest.approx([33, 33, 33])
    assert heights[INIT] == pytest.approx([11])
    assert heights[ENTIRE] == pytest.approx([41])
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["0", "20", "40", "50", "100"]
    offsets = [each.get_offsets() for each in panels[4].collections]
    diamonds = [float(y) for points in offsets for _, y in points if np.isfinite(y) and y]  # masked points read as 0
    assert diamonds == [21.8, 22.2, 23.4, 27.3, 26.7, 28.6], "KITTI's box AP, as NDS-ICLR Table 1 prints it"
    table = rendered.table["KITTI (ours: avenue) | mask AP"]
    assert table.loc["100% | Full COCO"].tolist() == [22.1, 36.0]


def test_the_papers_own_datasets_carry_no_other_name():
    rows = runs("segmentation", "coco", ("cityscapes",), (0.2,), MASKS)
    title = ledger.render("nds-t2", rows).figure.axes[0].get_title()
    assert title == "Cityscapes, pretrained on COCO"


def test_results_of_another_server_are_refused(results):
    coco = results[results["server"] != "scenes_b"]
    with pytest.raises(InputError, match="the results hold no segmentation of Cityscapes from OpenImages"):
        ledger.render("nds-t3", coco)
