"""The chapter's layouts, from made-up results whose means, differences and verdicts are worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from ndslib.core import records
from ndslib.core.errors import InputError
from ndslib.core.scorecard import Claim
from ndslib.nds import ledger

PETS = "Oxford-IIIT Pets"  # a client of the paper; "mine" is none
T_2 = 4.302652729911275  # Student's 97.5 % quantile at 2 degrees of freedom (3 seeds)


def transfer(cells: dict, pretext: str = "labels") -> pd.DataFrame:
    """Rows as `nds/03` records them, from (client, method, budget) -> top-1 of each seed."""
    return pd.DataFrame(
        {
            "experiment": "transfer",
            "method": method,
            "seed": seed,
            "metric": "top1",
            "value": value,
            "client": client,
            "budget": budget,
            "pretext": pretext,
        }
        for (client, method, budget), values in cells.items()
        for seed, value in enumerate(values)
    )


CELLS = {
    (PETS, "Random Initialization", 0.0): (0.1, 0.2, 0.3),
    (PETS, "Entire Dataset", 1.0): (0.8, 0.8, 0.8),
    (PETS, "Uniform Sampling", 0.2): (0.4, 0.45, 0.5),
    (PETS, "NDS (SP+SS)", 0.2): (0.41, 0.45, 0.49),
    (PETS, "NDS (UP+SS)", 0.2): (0.5, 0.6, 0.7),
    (PETS, "KNN + Cui et al.", 0.2): (0.3, 0.3, 0.3),
    ("mine", "Random Initialization", 0.0): (0.1, 0.1, 0.1),
    ("mine", "Entire Dataset", 1.0): (0.9, 0.9, 0.9),
    ("mine", "Uniform Sampling", 0.2): (0.4, 0.5, 0.6),
    ("mine", "NDS (SP+SS)", 0.2): (0.5, 0.6, 0.7),
    ("mine", "NDS (UP+SS)", 0.2): (0.3, 0.4, 0.5),
    ("mine", "KNN + Cui et al.", 0.2): (0.3, 0.3, 0.3),
}


@pytest.fixture
def results() -> pd.DataFrame:
    """Three seeds, two clients, one budget."""
    return transfer(CELLS)


def claims(rendered) -> dict[str, Claim]:
    return {each.claim: each for each in rendered.claims}


def test_table_4_has_the_published_value_beside_ours(results):
    table = ledger.render("nds-t4", results).table
    assert table.columns.tolist()[-2:] == [("mine", "paper"), ("mine", "ours")]
    assert table.index.tolist()[:2] == ["0% | Random Initialization", "100% | Entire Dataset"]
    # NDS Table 4: Pets 32.35, 79.12, 71.11 and 79.20; ours are the means over seeds, in percent
    pets = table[PETS].loc[[*table.index[:2], "20% | Uniform Sampling", "20% | NDS (UP+SS)"]]
    assert pets["paper"].tolist() == pytest.approx([32.35, 79.12, 71.11, 79.20], abs=0.051)
    assert pets["ours"].tolist() == [20.0, 80.0, 45.0, 60.0]
    mine = table["mine"].loc[["20% | NDS (UP+SS)", "20% | NDS (SP+SS)"]]
    assert mine["ours"].tolist() == [40.0, 60.0]
    assert mine["paper"].isna().all()
    assert table["Stanford Dogs"]["ours"].isna().all(), "a client that we did not run"
    assert table[PETS]["ours"].loc[["20% | NDS (SP+TS)", "40% | NDS (UP+SS)"]].isna().all(), "cells that we did not run"
    assert "20% | KNN + Cui et al." not in table.index, "the source prints it in Table 5"


def test_table_4_decides_paired_differences_over_seeds(results):
    rendered = ledger.render("nds-t4", results)
    text = "NDS (UP+SS) at 20% above Uniform Sampling, {}, top-1 points"
    pets, mine, everyone = (claims(rendered)[text.format(name)] for name in (PETS, "mine", "all clients"))
    # Pets: 10, 15 and 20 points, standard deviation 5
    half = T_2 * 5 / 3**0.5
    assert (pets.estimate, pets.low, pets.high) == pytest.approx((15, 15 - half, 15 + half))
    assert (pets.n, pets.verdict) == (3, "holds")
    # mine: -10 points with every seed
    assert (mine.estimate, mine.low, mine.high) == pytest.approx((-10, -10, -10))
    assert mine.verdict == "does not hold"
    # both: the mean of the two clients is 0, 2.5 and 5 points
    half = T_2 * 2.5 / 3**0.5
    assert (everyone.estimate, everyone.low, everyone.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half))
    assert everyone.verdict == "undecided"
    assert len(rendered.claims) == 6, "SP+SS and UP+SS, each for two clients and all; nothing is claimed of SP+TS"


def test_seeds_are_paired_whatever_their_order(results):
    shuffled = results.sample(frac=1, random_state=0)
    assert claims(ledger.render("nds-t4", shuffled)) == pytest.approx(claims(ledger.render("nds-t4", results)))


def test_one_seed_decides_nothing(results):
    rendered = ledger.render("nds-t4", results[results["seed"] == 0])
    assert rendered.table[PETS, "ours"]["20% | NDS (UP+SS)"] == 50.0
    assert {(each.n, each.verdict) for each in rendered.claims} == {(1, "undecided")}
    assert all(np.isinf([each.low, each.high]).all() for each in rendered.claims)


def test_table_5_calls_superclass_self_supervised_nds(results):
    rendered = ledger.render("nds-t5", results)
    table = rendered.table
    assert table[PETS].loc["20% | NDS"].tolist() == [82.0, 45.0]
    assert table[PETS].loc["20% | KNN + Cui et al."].tolist() == [74.4, 30.0]
    assert table[PETS].loc["20% | Ngiam et al."].isna().tolist() == [False, True]
    unprinted = {"0% | Random Initialization", "20% | NDS (UP+SS)", "20% | NDS (SP+SS)"}
    assert not unprinted & set(table.index)
    decided = claims(rendered)
    assert {text.split(", ")[0].split(" above ")[1] for text in decided} == {
        "Uniform Sampling",
        "KNN + Cui et al.",
        "the entire dataset",
    }
    # 45 - 80 on Pets with 4 points of deviation; 40, 50, 60 minus 30 on KNN
    assert decided[f"NDS (SP+SS) at 20% above the entire dataset, {PETS}, top-1 points"].verdict == "does not hold"
    knn = decided["NDS (SP+SS) at 20% above KNN + Cui et al., mine, top-1 points"]
    assert (knn.estimate, knn.verdict) == (pytest.approx(30), "holds")
    # +1, 0 and -1 points
    uniform = decided[f"NDS (SP+SS) at 20% above Uniform Sampling, {PETS}, top-1 points"]
    assert (uniform.estimate, uniform.verdict) == (pytest.approx(0), "undecided")


def test_iclr_table_1_is_its_classification_columns(results):
    rendered = ledger.render("ndsiclr-t1", results)
    assert rendered.table.columns.levels[0].tolist() == ["CUB200 Birds", PETS, "mine"]
    assert rendered.table[PETS].loc["0% | Random Initialization"].tolist() == [32.4, 20.0]
    assert not rendered.table.index.str.contains("KNN").any(), "the ICLR table does not print that method"
    assert not any("KNN" in each.claim for each in rendered.claims)


def test_a_budget_that_is_not_printed_comes_last():
    results = transfer(
        {
            (PETS, method, budget): (value,)
            for budget in (0.1, 0.2)
            for method, value in (("Uniform Sampling", 0.2), ("NDS (SP+SS)", 0.2 + budget))
        }
    )
    rendered = ledger.render("nds-t5", results)
    assert rendered.table.index.tolist()[-2:] == ["10% | Uniform Sampling", "10% | NDS"]
    assert rendered.table[PETS].loc["10% | NDS", "ours"] == 30.0
    assert [(each.claim.split()[3], each.estimate) for each in rendered.claims] == [
        ("10%", pytest.approx(10)),
        ("10%", pytest.approx(10)),
        ("20%", pytest.approx(20)),
        ("20%", pytest.approx(20)),
    ]


@pytest.mark.parametrize(("ledger_id", "pretext"), [("ndss-t1", "moco"), ("ndss-t2", "rotation")])
def test_self_supervised_tables_take_their_own_pretext(ledger_id, pretext):
    def cells(nds):
        return {("mine", "Uniform Sampling", 0.2): (0.3, 0.4), ("mine", "NDS (SP+SS)", 0.2): nds}

    other = {"moco": "rotation", "rotation": "moco"}[pretext]
    results = [transfer(cells((0.35, 0.45)), pretext), transfer(cells((0, 0)), other), transfer(cells((1, 1)))]
    rendered = ledger.render(ledger_id, pd.concat(results))
    assert rendered.table["mine"].loc["20% | NDS", "ours"] == 40.0
    assert [each.estimate for each in rendered.claims] == pytest.approx([5, 5])
    assert {each.verdict for each in rendered.claims} == {"holds"}


def test_bars_show_means_intervals_and_published_values(results):
    axes = ledger.render("nds-t4", results).figure.axes[0]
    assert axes.get_title() == "Ablation of gating and experts, 20% of the server"
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in axes.containers}
    assert heights["NDS (UP+SS)"] == pytest.approx([60, 40])
    assert heights["Entire Dataset"] == pytest.approx([80, 90])
    diamonds = [y for each in axes.collections if each.get_label() == "published" for _, y in each.get_offsets()]
    assert diamonds[0] == pytest.approx(79.20)
    assert [text.get_text() for text in axes.get_xticklabels()] == [PETS, "mine"]


def test_missing_methods_leave_their_cells_and_claims_out(results):
    some = results[~results["method"].isin(["Uniform Sampling", "NDS (SP+SS)"])]
    rendered = ledger.render("nds-t4", some)
    assert rendered.claims == ()
    assert rendered.table[PETS]["ours"].notna().sum() == 3
    references = results[results["method"].isin(["Random Initialization", "Entire Dataset"])]
    assert ledger.render("nds-t4", references).figure.axes[0].get_title() == "Ablation of gating and experts"


def test_gain_of_one_method_over_another(results):
    axes = ledger.gain_figure(results).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        f"{PETS}  (n=3)",
        "mine  (n=3)",
        "all clients  (n=3)",
    ]
    with pytest.raises(InputError, match="no intervals"):
        ledger.gain_figure(results, budget=0.5)


def test_the_summary_counts_images_beside_the_published_counts():
    rendered = ledger.render("ndss-t3", pd.DataFrame())
    assert len(rendered.table) == 11
    assert rendered.table.loc["VOC2007", ["Images in all", "Images in all, published"]].tolist() == [9973, 9973]
    assert rendered.table.loc["OpenImages", "Images in all, published"] == 1743042
    assert len(rendered.figure.axes[0].patches) == 11


def confusion(points: dict[str, list[tuple[float, float]]], seeds=(0,)) -> pd.DataFrame:
    """Rows as `nds/05` records them, from client -> (loss, accuracy) of each cluster, the same with each seed."""
    return pd.DataFrame(
        {
            "experiment": "domain confusion",
            "method": "NDS (UP+SS)",
            "seed": seed,
            "metric": metric,
            "value": value,
            "client": client,
            "cluster": f"{('cats', 'dogs')[number % 2]}/{number}",
            "dataset": ("cats", "dogs")[number % 2],
        }
        for seed in seeds
        for client, clusters in points.items()
        for number, (loss, accuracy) in enumerate(clusters)
        for metric, value in {"loss": loss, "accuracy": accuracy, "error": loss, "a_distance": 2 - 4 * loss}.items()
    )


RISING, FALLING = [(0.1, 0.2), (0.3, 0.4), (0.5, 0.6)], [(0.1, 0.6), (0.3, 0.4), (0.5, 0.2)]
CORRELATE = "proxy-task accuracy rises with the domain classifier's loss, {} (Pearson, mean over seeds)"
CORRELATE_ALL = (
    "proxy-task accuracy rises with the domain classifier's loss, over all experts and clients (Pearson; n clients)"
)
DISTANCE_ALL = "proxy-task accuracy falls with the proxy A-distance, over all experts and clients (Pearson; n clients)"


def test_confusion_table_is_wide_in_the_order_of_the_run():
    table = ledger.render("nds-f4", confusion({"zebras": RISING, "ants": FALLING})).table
    assert table["client"].tolist() == ["zebras"] * 3 + ["ants"] * 3
    assert table["cluster"].tolist()[:3] == ["cats/0", "dogs/1", "cats/2"]
    assert table["loss"].tolist() == [0.1, 0.3, 0.5] * 2
    assert table["accuracy"].tolist() == [0.2, 0.4, 0.6, 0.6, 0.4, 0.2]
    assert set(table.columns) == {"seed", "client", "cluster", "dataset", "accuracy", "loss", "error", "a_distance"}


def test_correlations_are_decided_over_clients_and_over_seeds():
    rows = confusion({"zebras": RISING, "ants": FALLING}, seeds=(0, 1))
    decided = claims(ledger.render("nds-f4", rows))
    expected = {"zebras": (1, "holds"), "ants": (-1, "does not hold")}
    for name, (pearson, verdict) in expected.items():
        claim = decided.pop(CORRELATE.format(name))
        assert (claim.estimate, claim.verdict, claim.n) == (pytest.approx(pearson, abs=1e-9), verdict, 2)
    overall = decided.pop(CORRELATE_ALL)
    assert (overall.estimate, overall.verdict, overall.n) == (pytest.approx(0, abs=1e-9), "undecided", 2)
    distance = decided.pop(DISTANCE_ALL)
    assert (distance.estimate, distance.verdict, distance.n) == (pytest.approx(0, abs=1e-9), "undecided", 2)
    assert decided == {}


def test_a_distance_counts_the_other_way():
    decided = claims(ledger.render("nds-f4", confusion({"zebras": RISING, "ants": RISING}, seeds=(0, 1))))
    assert (decided[DISTANCE_ALL].estimate, decided[DISTANCE_ALL].verdict) == (pytest.approx(-1), "holds")


def test_seeds_do_not_count_as_clients():
    overall = ledger.render("nds-f4", confusion({"zebras": RISING, "ants": RISING}, seeds=range(5))).claims[0]
    assert (overall.claim, overall.n, overall.verdict) == (CORRELATE_ALL, 2, "holds")


def test_one_seed_decides_no_correlation():
    rows = confusion({"zebras": RISING, "ants": RISING})
    decided = ledger.render("nds-f4", rows).claims
    assert [(each.estimate, each.verdict, each.n) for each in decided] == [
        (pytest.approx(1), "undecided", 1),
        (pytest.approx(-1), "undecided", 1),
        *[(pytest.approx(1), "undecided", 1)] * 2,
    ]


def test_the_share_of_clients_whose_own_domain_comes_first(results):
    first = pd.DataFrame(
        {
            "experiment": "ratings",
            "method": "NDS (UP+SS)",
            "metric": "own domain first",
            "seed": seed,
            "client": client,
            "value": value,
        }
        for seed, values in ((0, (1.0, 1.0, 0.0, 1.0)), (1, (1.0, 0.0, 1.0, 1.0)), (2, (1.0, 1.0, 1.0, 1.0)))
        for client, value in zip("abcd", values, strict=True)
    )
    decided = ledger.render("nds-t4", pd.concat([results, first])).claims[0]
    assert decided.claim.startswith("the first expert is of the client's own domain for more than half of 4 clients")
    # Seed means 3/4, 3/4, 1: mean 5/6, deviation 0.1443, t(0.975, 2) = 4.3027, half width 0.3586.
    assert decided.estimate == pytest.approx(5 / 6)
    assert decided.low == pytest.approx(5 / 6 - 0.3586, abs=1e-3)
    assert (decided.n, decided.verdict, decided.headline) == (3, "undecided", True)


def test_iclr_figure_3_is_the_first_client():
    rendered = ledger.render("ndsiclr-f3", confusion({"zebras": RISING, "ants": FALLING}, seeds=(0, 1)))
    assert set(rendered.table["client"]) == {"zebras"}
    assert [each.claim for each in rendered.claims] == [CORRELATE.format("zebras")]
    assert [axes.get_title() for axes in rendered.figure.axes] == ["client zebras"]


def test_scatter_has_a_panel_a_client_one_for_all_and_a_legend_that_covers_nothing():
    figure = ledger.render("nds-f4", confusion(dict.fromkeys("abcd", RISING))).figure
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in shown] == [*(f"client {name}" for name in "abcd"), "all clients"]
    assert [axes.get_xlabel() for axes in shown] == ["log loss"] * 4 + ["proxy A-distance (eq. 9)"]
    cats, dogs = shown[0].collections
    assert cats.get_offsets().tolist() == [[0.1, 0.2], [0.5, 0.6]]
    assert dogs.get_offsets().tolist() == [[0.3, 0.4]]
    assert len(shown[-1].collections[0].get_offsets()) == 8
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cats", "dogs"]
    box = legend.get_window_extent()
    for other in (*shown, figure.supylabel("proxy-task accuracy")):
        assert not box.overlaps(other.get_tightbbox()), other


def growing(nds: list[float], retraining: list[float], seed: int = 0) -> pd.DataFrame:
    """Rows as `nds/05` records them."""
    return pd.DataFrame(
        {
            "experiment": "growth",
            "method": method,
            "seed": seed,
            "step": step,
            "metric": "cumulative_madds",
            "value": value * 1e12,
            "dataset": f"{step}: {'ab'[step % 2]}",
        }
        for method, values in (("NDS", nds), ("Ngiam et al.", retraining))
        for step, value in enumerate(values, 1)
    )


def test_growth_is_drawn_for_any_number_of_datasets():
    for datasets in (1, 3):
        retraining = np.cumsum(np.arange(1, datasets + 1)).tolist()
        rendered = ledger.render("nds-f7", growing([4 * step for step in range(1, datasets + 1)], retraining))
        assert rendered.claims == (), "a count decides no claim"
        lines = {line.get_label(): line.get_ydata().tolist() for line in rendered.figure.axes[0].lines}
        assert lines["Ngiam et al."] == pytest.approx(retraining)


def test_growth_is_a_mean_over_seeds_in_the_order_of_adding():
    steps = np.arange(1, 12)
    rows = pd.concat([growing(2 * steps, steps**2), growing(4 * steps, 3 * steps**2, seed=1)])
    table = ledger.render("nds-f7", rows).table
    assert table.index.get_level_values("step").tolist() == steps.tolist()
    assert table["NDS"].tolist() == pytest.approx((3e12 * steps).tolist())
    assert table["Ngiam et al."].tolist() == pytest.approx((2e12 * steps**2).tolist())


@pytest.mark.parametrize("ledger_id", sorted(set(ledger.LAYOUTS) - {"ndss-t3"}))
def test_results_of_another_experiment_are_refused(ledger_id):
    other = pd.DataFrame({"experiment": ["size"], "method": ["x"], "seed": [0], "metric": ["bytes"], "value": [1.0]})
    for rows in (other, pd.DataFrame(columns=list(records.COLUMNS))):
        with pytest.raises(InputError, match="the results hold no"):
            ledger.render(ledger_id, rows)


def test_results_of_another_pretext_or_other_methods_are_refused(results):
    with pytest.raises(InputError, match="no transfer with pretext 'moco'"):
        ledger.render("ndss-t1", results)
    with pytest.raises(InputError, match=r"nds-t4: the results hold none of its methods: Entire Dataset, NDS"):
        ledger.render("nds-t4", results[results["method"] == "KNN + Cui et al."])


def test_an_id_without_a_layout_is_refused(results):
    with pytest.raises(InputError, match=r"no layout for 'nds-f2'; this chapter lays out \["):
        ledger.render("nds-f2", results)
