"""The chapter's layouts, from made-up results whose means, differences and verdicts are worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from ndslib.core import records
from ndslib.core.errors import InputError
from ndslib.core.publish import Rendered
from ndslib.core.scorecard import Claim
from ndslib.hydranet import ledger

T_2 = 4.302652729911275  # Student's 97.5 % quantile at 2 degrees of freedom (3 seeds)
TRAINED_TABLES = ("th-t3.5", "th-t3.6", "th-t3.7", "th-t3.8", "th-f3.3", "th-f3.4")


def frame(rows: list[tuple]) -> pd.DataFrame:
    types = {"experiment": "str", "method": "str", "seed": "Int64", "step": "Int64", "metric": "str"}
    return pd.DataFrame(rows, columns=list(records.COLUMNS)).astype(types)


def costs(counts: dict[str, tuple[float, float, float]], seeds: int = 3) -> pd.DataFrame:
    """Rows of the experiment `cost` from method -> params, madds and total_madds in M."""
    return frame(
        [
            ("cost", method, seed, None, metric, value * 1e6)
            for method, values in counts.items()
            for metric, value in zip(("params", "madds", "total_madds"), values, strict=True)
            for seed in range(seeds)
        ]
    )


def trained(experiment: str, networks: dict[str, tuple[float, tuple[float, ...]]]) -> pd.DataFrame:
    """Rows of trained networks from method -> M multiply-adds and top-1 of each seed; HydraNets have a gate."""
    rows = []
    for method, (madds, top1) in networks.items():
        for seed, value in enumerate(top1):
            measured = {"top1": value, "params": 5e4, "madds": madds * 1e6, "total_madds": 3e6 * madds}
            if method.startswith("Hydra-"):
                measured |= {"gate_top1": 0.5, "recall": 0.75}
            rows += [(experiment, method, seed, None, metric, number) for metric, number in measured.items()]
    return frame(rows)


CIFAR_COSTS = {"ResNet-14": (0.178, 26.4, 26.4), "Hydra-Res-d1": (1.286, 26.45, 60), "DenseNet-d8": (2.006, 542.1, 542)}
CIFAR = {
    "ResNet-14": (2.00, (0.80, 0.81, 0.82)),
    "ResNet-20": (3.00, (0.84, 0.84, 0.84)),
    "Hydra-Res-d1": (2.01, (0.85, 0.83, 0.87)),
    "Hydra-Res-d2": (2.50, (0.80, 0.80, 0.80)),
    "Hydra-Res-d9": (9.00, (0.99, 0.99, 0.99)),
    "DenseNet-d3": (9.50, (0.50, 0.50, 0.50)),
}


@pytest.fixture
def cifar() -> pd.DataFrame:
    """Results of `hydranet/02`, three seeds."""
    return pd.concat([costs(CIFAR_COSTS), trained("th-t3.3", CIFAR)], ignore_index=True)


def claims(rendered: Rendered) -> dict[str, Claim]:
    return {each.claim.removesuffix(", top-1 points"): each for each in rendered.claims}


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def test_table_3_3_doubles_our_counts_as_the_source_does(cifar):
    table = ledger.render("th-t3.3", cifar).table
    madds = table["Inference MADDs (M, 2 x multiply-adds)"]
    assert madds.loc["ResNet-14"].tolist() == [52, 52.8]
    assert madds.loc["Hydra-Res-d1"].tolist() == [52, 52.9]
    assert madds.loc["ResNet-164"].isna().tolist() == [False, True], "a network that was not counted"
    assert table.loc["ResNet-14", ("Params (M)", "ours")] == 0.178
    assert table.loc["ResNet-14", ("MADDs as trained (M)", "ours")] == 2.0, "of the trained network: not doubled"


def test_accuracies_of_what_was_trained_here_stand_in_the_printed_rows(cifar):
    table = ledger.render("th-t3.3", cifar).table
    assert table.loc["Hydra-Res-d1", "Accuracy (%)"].tolist() == [65.81, 85.0]
    # 85, 83 and 87 %: standard deviation 2
    assert table.loc["Hydra-Res-d1", ("95 % interval ± (points)", "ours")] == round(T_2 * 2 / 3**0.5, 2)
    assert table.loc["Hydra-Res-d1", ("Gate top-1 (%)", "ours")] == 50
    assert table.loc["Hydra-Res-d1", ("Own subtask's branch ran (%)", "ours")] == 75
    assert np.isnan(table.loc["ResNet-14", ("Gate top-1 (%)", "ours")]), "a static network has no gate"
    assert table.index[0] == "Hydra-Res-d1", "printed order"


def test_a_network_that_is_not_printed_comes_last(cifar):
    more = trained("th-t3.3", {"ResNet-38": (9.0, (0.9, 0.9, 0.9))})
    table = ledger.render("th-t3.3", pd.concat([more, cifar])).table
    assert table.index[-1] == "ResNet-38"
    assert table.loc["ResNet-38", "Accuracy (%)"].isna().tolist() == [True, False]


def test_hydranets_are_compared_with_the_next_static_network_of_their_family(cifar):
    found = claims(ledger.render("th-t3.3", cifar))
    first, second, mean = found.values()
    # equal within 1 %: ResNet-14; for d2 ResNet-20 is the cheapest that costs as much; for d9 there is none: a DenseNet
    # is of another family
    assert list(found)[:2] == [
        "Hydra-Res-d1 above ResNet-14 (2.01 against 2 M multiply-adds)",
        "Hydra-Res-d2 above ResNet-20 (2.5 against 3 M multiply-adds)",
    ]
    # 5, 2 and 5 points
    half = T_2 * 3**0.5 / 3**0.5
    assert (first.estimate, first.low, first.high, first.n) == pytest.approx((4, 4 - half, 4 + half, 3))
    assert first.verdict == "undecided"
    assert (second.estimate, second.verdict) == (pytest.approx(-4), "does not hold")
    # mean of the pairs: 0.5, -1 and 0.5 points
    assert mean.estimate == pytest.approx(0)
    assert [each.headline for each in found.values()] == [False, False, True]


def test_the_only_pair_is_the_headline():
    rows = [costs({"Hydra-ResSep-A": (10.887, 192.8, 602.9)})]
    rows += [trained("th-t3.4", {"Hydra-ResSep-A": (5, (0.6, 0.7)), "ResSep-d2-w0.5625": (5.5, (0.5, 0.6))})]
    (only,) = ledger.render("th-t3.4", pd.concat(rows)).claims
    assert only.claim == "Hydra-ResSep-A above ResSep-d2-w0.5625 (5 against 5.5 M multiply-adds), top-1 points"
    assert (only.estimate, only.verdict, only.headline) == (pytest.approx(10), "holds", True)


def test_one_seed_decides_nothing(cifar):
    rendered = ledger.render("th-t3.3", cifar[cifar["seed"] == 0])
    assert rendered.table.loc["Hydra-Res-d1", ("Accuracy (%)", "ours")] == 85.0
    assert "95 % interval ± (points)" not in rendered.table
    assert {(each.n, each.verdict) for each in rendered.claims} == {(1, "undecided")}


def test_seeds_are_paired_whatever_their_order(cifar):
    shuffled = cifar.sample(frac=1, random_state=0)
    assert claims(ledger.render("th-t3.3", shuffled)) == claims(ledger.render("th-t3.3", cifar))


def test_a_seed_without_an_accuracy_is_named(cifar):
    gone = (cifar["method"] == "ResNet-20") & (cifar["metric"] == "top1") & (cifar["seed"] == 1)
    with pytest.raises(InputError, match=r"th-t3\.3: no top1 of 'ResNet-20' with seed 1; run that seed again"):
        ledger.render("th-t3.3", cifar[~gone])


def test_table_3_1_needs_no_accuracies():
    rendered = ledger.render("th-t3.1", costs({"ResSep-A": (1.955, 180.3, 180.3), "ResNet-18": (11.69, 1814, 1814)}))
    assert rendered.claims == ()
    assert rendered.table.loc["ResSep-A", ("MADDs (M)", "ours")] == 180.3
    assert ("Accuracy (%)", "ours") not in rendered.table
    assert rendered.table.loc["ResSep-A", ("Accuracy (%)", "paper")] == 61.88
    assert titles(rendered.figure) == ["parameters (shaded: within 1 %)", "multiply-adds (shaded: within 2 %)"]


def test_deviations_flag_what_is_beyond_the_bound_and_not_what_print_has_cut_off():
    # 0.178 is printed .17: 4.7 % more, but within one unit of the last digit; 2.1 for 2.00 is 5 % more
    rows = costs({"ResNet-14": (0.178, 26.4, 26.4), "DenseNet-d8": (2.1, 542, 542)})
    params, madds = ledger.render("th-t3.3", rows).figure.axes
    assert [text.get_text() for text in params.texts] == ["ResNet-14: see the note", "DenseNet-d8: beyond the bound"]
    assert not any("beyond" in text.get_text() for text in madds.texts)
    (dots,) = [each for each in params.collections if len(each.get_offsets()) > 1]
    at = dict(zip([label.get_text() for label in params.get_yticklabels()], dots.get_offsets().data[:, 0], strict=True))
    assert at["DenseNet-d8"] == pytest.approx(5)
    assert at["ResNet-14"] == pytest.approx(100 * (0.178 / 0.17 - 1))


def test_contradictions_of_the_source_are_marked():
    rendered = ledger.render("th-t3.4", costs({"Hydra-ResSep-E": (26.828, 1070.8, 2000)}))
    assert rendered.table.loc["Hydra-ResSep-E", "w_g"].tolist() == [0.5, 0.75]
    assert ("w_b", "ours") not in rendered.table, "as printed in every row"
    notes = rendered.table["note", ""]
    assert notes["Hydra-ResSep-E"].startswith("w_g is printed .50")
    assert set(notes.drop("Hydra-ResSep-E")) == {""}
    assert [text.get_text() for text in rendered.figure.axes[0].texts] == ["Hydra-ResSep-E: see the note"]


def sweep(table_id: str, form: str, top1: dict[int, tuple[float, ...]]) -> pd.DataFrame:
    return trained(table_id, {form.format(number): (number, values) for number, values in top1.items()})


def test_table_3_5_has_a_column_a_network_and_compares_most_with_fewest_branches():
    counted = costs({"n_b = 10": (3.299, 192.8, 238.4)})
    rows = sweep("th-t3.5", "n_b = {}", {20: (0.7, 0.8), 5: (0.5, 0.6), 10: (0.9, 0.9)})
    rendered = ledger.render("th-t3.5", pd.concat([counted, rows]))
    table = rendered.table
    assert table.columns.get_level_values(0).unique().tolist()[:3] == ["n_b = 10", "n_b = 25", "n_b = 50"]
    assert table.loc["Total MADDs (M)", "n_b = 10"].tolist() == [239, 238.4]
    assert table.loc["Accuracy (%)", "n_b = 10"].tolist() == [61.76, 90]
    assert table.loc["Accuracy (%)", ("n_b = 20", "ours")] == pytest.approx(75)
    assert ("n_b = 20", "paper") not in table
    (only,) = rendered.claims
    assert (only.claim, only.estimate) == ("n_b = 20 above n_b = 5, top-1 points", pytest.approx(20))
    axes = rendered.figure.axes
    assert axes[1].lines[0].get_xdata().tolist() == [5, 10, 20]
    assert axes[1].lines[0].get_ydata().tolist() == pytest.approx([55, 90, 75])
    assert [line.get_ydata().tolist() for line in axes[3].lines] == [[5, 10, 20], [15, 30, 60]], "as trained, in M"


def test_table_3_6_decides_diminishing_returns_and_draws_other_k():
    rows = sweep("th-t3.6", "k = {}", {1: (0.5, 0.5, 0.5), 2: (0.7, 0.71, 0.72), 4: (0.73, 0.74, 0.75), 8: (0.74,) * 3})
    other = [("accuracy by k", "CLUSTER", seed, k, "top1", 0.1 * k) for seed in range(3) for k in (1, 2, 4)]
    rendered = ledger.render("th-t3.6", pd.concat([rows, frame(other)]))
    found = claims(rendered)
    assert list(found) == ["k = 8 above k = 1", "k = 1 to k = 2 gains more than k = 4 to k = 8"]
    # 20, 21 and 22 points for the first step; 1, 0 and -1 for the last
    returns = found["k = 1 to k = 2 gains more than k = 4 to k = 8"]
    half = T_2 * 2 / 3**0.5
    assert (returns.estimate, returns.low, returns.high) == pytest.approx((21, 21 - half, 21 + half))
    assert {each.verdict for each in rendered.claims} == {"holds"}
    trained_each, changed = rendered.figure.axes[1].containers
    assert trained_each[0].get_xdata().tolist() == [1, 2, 4, 8]
    assert changed[0].get_xdata().tolist() == [1, 2, 4]
    assert changed[0].get_ydata().tolist() == pytest.approx([10, 20, 40])


@pytest.mark.parametrize(("ks", "expected"), [((3,), 0), ((1, 3), 1), ((1, 3, 5), 2)])
def test_claims_need_the_settings_they_compare(ks, expected):
    rows = sweep("th-t3.6", "k = {}", dict.fromkeys(ks, (0.5, 0.6)))
    assert len(ledger.render("th-t3.6", rows).claims) == expected


def test_table_3_7_marks_the_printed_params_of_block_3():
    rows = [costs({"Block 2": (9.663, 173.9, 692), "Block 3": (10.887, 192.8, 602.9)})]
    rows += [sweep("th-t3.7", "Block {}", {2: (0.5, 0.52), 3: (0.6, 0.61)})]
    rendered = ledger.render("th-t3.7", pd.concat(rows))
    assert rendered.table.loc["Block 3", "Params (M)"].tolist() == [9.66, 10.887]
    assert rendered.table.loc["Block 3", "Conditional MADDs (M)"].tolist() == [193, 192.8]
    assert "10.89" in rendered.table.loc["Block 3", ("note", "")]
    (only,) = rendered.claims
    assert (only.claim, only.estimate) == ("Block 3 above Block 2, top-1 points", pytest.approx(9.5))


STRATEGIES = {
    "CLUSTER": (1.0, (0.70, 0.72)),
    "RANDOM": (1.0, (0.69, 0.70)),
    "LEARN": (1.0, (0.40, 0.42)),
    "LEARN-BALANCE": (1.0, (0.50, 0.52)),
    "NO GATING": (3.0, (0.70, 0.72)),
}


def test_table_3_8_compares_the_strategies():
    rendered = ledger.render("th-t3.8", trained("th-t3.8", STRATEGIES))
    assert rendered.table.loc["CLUSTER", "Accuracy (%)"].tolist() == [64.4, 71]
    found = claims(rendered)
    estimates = {text: (round(each.estimate, 6), each.headline) for text, each in found.items()}
    assert estimates == {
        "CLUSTER above RANDOM": (1.5, True),
        "CLUSTER above LEARN": (30, True),
        "CLUSTER above LEARN-BALANCE": (20, True),
        "NO GATING above CLUSTER": (0, False),
        "LEARN-BALANCE above LEARN": (10, False),
    }
    (axes,) = rendered.figure.axes
    assert [bars.get_label() for bars in axes.containers] == list(rendered.table.index), "printed order"
    diamonds = [y for each in axes.collections if each.get_label() == "published" for _, y in each.get_offsets()]
    assert diamonds == [66.21]


def test_strategies_that_were_not_trained_are_left_out():
    some = {name: STRATEGIES[name] for name in ("CLUSTER", "LEARN")}
    rendered = ledger.render("th-t3.8", trained("th-t3.8", some))
    assert list(claims(rendered)) == ["CLUSTER above LEARN"]
    assert rendered.table.loc["RANDOM", "Accuracy (%)"].isna().tolist() == [False, True]


def test_branches_are_ranked_within_a_seed_before_the_mean():
    used = {0: (0.1, 0.7, 0.2), 1: (0.5, 0.1, 0.4)}
    shares = [
        ("utilisation", "LEARN", seed, branch, "share", share)
        for seed, values in used.items()
        for branch, share in enumerate(values)
    ]
    rows = pd.concat([trained("th-t3.8", STRATEGIES), frame(shares)])
    bars, use = ledger.render("th-t3.8", rows).figure.axes
    line, even = use.lines
    assert line.get_ydata().tolist() == pytest.approx([0.6, 0.3, 0.1])
    (bar,) = next(each for each in bars.containers if each.get_label() == "LEARN")
    assert to_rgba(line.get_color()) == bar.get_facecolor()
    assert even.get_ydata() == pytest.approx([1 / 3, 1 / 3])


def drawn(axes: Axes) -> dict[str, list[list[float]]]:
    """The points of each line of a panel, by its label."""
    return {each.get_label(): each[0].get_xydata().tolist() for each in axes.containers}


def test_figure_3_3_draws_a_line_a_family(cifar):
    rendered = ledger.render("th-f3.3", cifar)
    published, ours = rendered.figure.axes
    assert list(drawn(published)) == ["Hydra-Res", "ResNet", "Hydra-Dense", "DenseNet"]
    assert drawn(published)["ResNet"][0] == [26, 65.42], "half of the printed MADDs"
    assert drawn(ours)["Hydra-Res"] == [pytest.approx(point) for point in ([2.01, 85], [2.5, 80], [9, 99])]
    assert drawn(ours)["DenseNet"] == [pytest.approx([9.5, 50])]
    assert {axes.get_xscale() for axes in (published, ours)} == {"log"}
    assert {"d1", "d2", "14", "20"} <= {text.get_text() for text in ours.texts}
    assert rendered.claims == (), "they stand with the table"
    assert rendered.table.loc["Hydra-Res-d1", "Inference MADDs (M, 2 x multiply-adds)"].tolist() == [52, 52.9]


def test_figure_3_4_joins_two_tables_and_the_ratios_of_the_text():
    counted = {
        "Hydra-ResSep-A": (10.887, 192.8, 602.9),
        "ResSep-A": (1.955, 180.3, 180.3),
        "Hydra-ResSep-D": (19.513, 630.3, 1000),
    }
    networks = {"Hydra-ResSep-A": (5, (0.7, 0.8)), "ResSep-A": (4, (0.6, 0.7)), "ResSep-d2-w0.6": (6, (0.5, 0.5))}
    rendered = ledger.render("th-f3.4", pd.concat([costs(counted), trained("th-t3.4", networks)]))
    table = rendered.table
    assert len(table) == 11, "A to E of both families and the network that only we have"
    assert "ResNet-18" not in table.index
    assert table.loc["Hydra-ResSep-A", "Params ratio"].tolist() == [5.6, 5.57]
    assert table.loc["Hydra-ResSep-A", "Total MADDs ratio"].tolist() == [3.3, 3.34]
    assert table.loc["Hydra-ResSep-A", "Accuracy gain"].tolist() == [2.5, 10.0]
    assert table.loc["Hydra-ResSep-D", "Params ratio"].isna().tolist() == [False, True], "ResSep-D was not counted"
    assert table.loc["Hydra-ResSep-D", ("note", "")]
    published, ours = rendered.figure.axes
    assert [len(points) for points in drawn(published).values()] == [5, 5]
    assert drawn(ours)["ResSep"] == [pytest.approx(point) for point in ([4, 65], [6, 50])]


@pytest.mark.parametrize("ledger_id", sorted(ledger.LAYOUTS))
def test_results_of_another_experiment_are_refused(ledger_id):
    other = frame([("size", "x", 0, None, "bytes", 1.0)])
    for rows in (other, pd.DataFrame(columns=list(records.COLUMNS))):
        with pytest.raises(InputError, match=f"{ledger_id}: the results hold no rows of the experiment"):
            ledger.render(ledger_id, rows)


@pytest.mark.parametrize("ledger_id", TRAINED_TABLES)
def test_counts_alone_make_no_accuracies(ledger_id, cifar):
    with pytest.raises(InputError, match="the results hold no rows of the experiment 'th-t"):
        ledger.render(ledger_id, cifar[cifar["experiment"] == "cost"])


def test_counts_of_another_table_are_refused(cifar):
    with pytest.raises(InputError, match=r"th-t3\.4: the results hold no rows of the experiment 'cost' for it"):
        ledger.render("th-t3.4", cifar)


def test_an_id_without_a_layout_is_refused(cifar):
    with pytest.raises(InputError, match=r"no layout for 'th-t3.2'; this chapter lays out \["):
        ledger.render("th-t3.2", cifar)


def test_the_balance_of_branches_is_a_claim():
    """One branch of four against all four alike: effective numbers of 1 and of 4."""
    use = {"LEARN": [1.0, 0.0, 0.0, 0.0], "LEARN-BALANCE": [0.25] * 4}
    shares = [
        ("utilisation", method, seed, branch, "share", share)
        for method, values in use.items()
        for seed in (0, 1)
        for branch, share in enumerate(values)
    ]
    rows = pd.concat([trained("th-t3.8", STRATEGIES), frame(shares)])
    (found,) = [each for name, each in claims(ledger.render("th-t3.8", rows)).items() if "effective number" in name]
    assert found.estimate == pytest.approx(3)
    assert found.verdict == "holds"
