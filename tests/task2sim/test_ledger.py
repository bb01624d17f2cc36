"""The chapter's layouts, from made-up results whose means, differences and verdicts are worked out by hand."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from ndslib.core import records
from ndslib.core.errors import InputError
from ndslib.core.publish import Rendered
from ndslib.core.scorecard import Claim
from ndslib.task2sim import ledger
from ndslib.task2sim.methods import OPTIMUM, SINGLE

T_1, T_2 = 12.706204736174694, 4.302652729911275  # Student's 97.5 % quantile at 1 and 2 degrees of freedom
SMALL_5NN, LARGE_FINE = "smaller sets | 5NN", "larger sets | Finetuning"
TASKS = ("photos", "glyphs", "streets")


def frame(rows: list[tuple]) -> pd.DataFrame:
    """Rows of experiment, method, seed, step, metric, value, task, group, data."""
    types = {"experiment": "str", "method": "str", "seed": "Int64", "step": "Int64", "metric": "str"}
    return pd.DataFrame(rows, columns=[*records.COLUMNS, "task", "group", "data"]).astype(types)


def results(
    experiment: str,
    methods: Mapping[str, tuple[float, ...]],
    metric: str = "5NN",
    group: str | None = "seen",
    data: str | None = "small",
    step: int | None = None,
    seeds: tuple[float, ...] = (0.0,),
    tasks: tuple[str, ...] = TASKS,
) -> pd.DataFrame:
    """Rows from method -> value of each task; `seeds` adds to the values of each seed."""
    return frame(
        [
            (experiment, method, seed, step, metric, value + shift, task, group, data)
            for method, values in methods.items()
            for task, value in zip(tasks, values, strict=True)
            for seed, shift in enumerate(seeds)
        ]
    )


METHODS = {
    OPTIMUM: (40.0, 50.0, 63.0),
    "Task2Sim": (38.0, 50.0, 62.0),
    "Random": (30.0, 40.0, 53.0),
    "Domain Randomization": (35.0, 51.0, 55.0),
}


def claims(rendered: Rendered) -> dict[str, Claim]:
    return {each.claim: each for each in rendered.claims}


def test_table_2_shows_means_over_tasks_beside_the_printed_ones():
    table = ledger.render("t2s-t2", results("transfer", METHODS, seeds=(-1.0, 1.0))).table
    assert table.loc["Task2Sim", SMALL_5NN].tolist() == [30.46, 50.0]
    assert table.loc["Random", SMALL_5NN].tolist() == [25.30, 41.0]
    assert table.loc["Imagenet*", SMALL_5NN].isna().tolist() == [False, True], "a method that we do not have"
    assert table.index.tolist()[:5] == ["Scratch", "Random", "Domain Randomization", "Imagenet*", "Task2Sim"]
    assert np.isnan(table.loc[OPTIMUM, (SMALL_5NN, "paper")])
    assert (LARGE_FINE, "ours") not in table, "nothing of ours"
    assert table.loc["Task2Sim", (LARGE_FINE, "paper")] == 76.87


def test_claims_pair_the_tasks_after_a_mean_over_the_seeds():
    """Task2Sim minus Domain Randomization is 3, -1 and 7 points; the seeds' spread of 20 must not matter."""
    found = claims(ledger.render("t2s-t2", results("transfer", METHODS, seeds=(-10.0, 10.0))))
    claim = found["5NN, smaller sets: Task2Sim above Domain Randomization (points, over tasks)"]
    half = T_2 * 4 / 3**0.5
    assert (claim.estimate, claim.low, claim.high, claim.n) == pytest.approx((3, 3 - half, 3 + half, 3))
    assert (claim.verdict, claim.headline) == ("undecided", True)
    random = found["5NN, smaller sets: Task2Sim above Random (points, over tasks)"]
    assert (random.estimate, random.verdict) == (pytest.approx(9), "holds")
    assert not any("Imagenet" in text or "single" in text for text in found), "methods that are not there"


def test_more_seeds_of_the_same_rewards_do_not_narrow_an_interval():
    one, ten = (claims(ledger.render("t2s-t2", results("transfer", METHODS, seeds=(0.0,) * n))) for n in (1, 10))
    assert one == ten


def test_regret_is_a_share_of_randoms():
    """Regrets of 2, 0, 1 against 10, 10, 10: a tenth, with the deviation of 0.2, 0 and 0.1 about it."""
    found = claims(ledger.render("t2s-t2", results("transfer", METHODS)))
    claim = found["5NN, smaller sets: regret of Task2Sim below that of Random (share of it, over tasks)"]
    half = T_2 * 0.1 / 3**0.5
    assert (claim.estimate, claim.low, claim.high) == pytest.approx((0.1, 0.1 - half, 0.1 + half))
    assert claim.verdict == "holds"


def test_the_interval_of_a_regret_knows_that_randoms_varies():
    """Regrets always half of Random's: the share is known exactly, although both differ from task to task."""
    methods = {OPTIMUM: (50.0,) * 3, "Random": (40.0, 30.0, 48.0), "Task2Sim": (45.0, 40.0, 49.0)}
    found = claims(ledger.render("t2s-t2", results("transfer", methods)))
    claim = found["5NN, smaller sets: regret of Task2Sim below that of Random (share of it, over tasks)"]
    assert (claim.low, claim.high) == pytest.approx((0.5, 0.5))


def test_without_regret_of_random_there_is_no_share():
    methods = METHODS | {"Random": METHODS[OPTIMUM]}
    assert not any("regret" in text for text in claims(ledger.render("t2s-t2", results("transfer", methods))))


def test_one_task_decides_nothing():
    one = {method: values[:1] for method, values in METHODS.items()}
    rendered = ledger.render("t2s-t3", results("transfer", one, group="unseen", tasks=("digits",)))
    assert {(each.n, each.verdict) for each in rendered.claims} == {(1, "undecided")}


def test_only_finetuning_and_5nn_against_other_settings_are_headlines():
    methods = METHODS | {SINGLE: (1.0,) * 3, "Imagenet*": (2.0,) * 3}
    metrics = ("5NN", "Linear Probing", "Finetuning")
    rows = pd.concat([results("transfer", methods, metric) for metric in metrics])
    main = [each.claim.split(" (points")[0] for each in ledger.render("t2s-t2", rows).claims if each.headline]
    assert main == [
        f"{metric}, smaller sets: Task2Sim above {other}"
        for metric in ("5NN", "Finetuning")
        for other in ("Domain Randomization", "Random", SINGLE)
    ]


def test_seen_and_unseen_tasks_are_kept_apart():
    rows = pd.concat(
        [
            results("transfer", METHODS),
            results("transfer", {"Task2Sim": (10.0,)}, group="unseen", tasks=("digits",), seeds=(0.0, 1.0)),
        ]
    )
    assert ledger.render("t2s-t3", rows).table.loc["Task2Sim", SMALL_5NN].tolist() == [53.06, 10.5]
    assert ledger.render("t2s-f4", rows).table.index.tolist() == ["digits"]
    assert ledger.render("t2s-f3", rows).table.index.tolist() == list(TASKS)


def test_costs_stand_beside_those_of_the_algorithm_as_printed():
    counts = {"pretrainings": (60, 62), "evaluations": (100, 100), "updates": (200, 200), "settings": (256, 256)}
    rows = [
        ("cost", "Task2Sim", seed, None, metric, float(values[seed]), None, None, None)
        for metric, values in counts.items()
        for seed in range(2)
    ]
    rows = pd.concat([results("transfer", METHODS), frame(rows)])
    table = ledger.render("t2s-t2", rows).table.xs("ours", axis=1, level=1)
    assert table.loc["Task2Sim", "pretrainings"] == 61
    assert table.loc["Task2Sim", ["samples", "T x n of the paper"]].tolist() == [600, 4000]
    assert table.loc["Task2Sim", "settings that exist"] == 256
    assert table.drop(index="Task2Sim")["pretrainings"].isna().all()


def test_a_minibatch_that_is_not_full_pretrains_for_fewer_tasks():
    tasks = tuple(f"task {number}" for number in range(6))
    rows = results("transfer", {"Task2Sim": (1.0,) * 6}, tasks=tasks)
    updates = frame([("cost", "Task2Sim", 0, None, "updates", 20.0, None, None, None)])  # 10 epochs of 4 and 2 tasks
    table = ledger.render("t2s-t2", pd.concat([rows, updates])).table
    assert table.loc["Task2Sim", ("samples", "ours")] == 60


def test_the_authors_rewards_are_held_against_the_published_mean():
    authors = {
        "Task2Sim": (30.0, 31.0, 31.0),
        "Task2Sim, improved": (31.0, 32.0, 33.0),
        "Random": (25.0, 25.0, 26.0),
        "Domain Randomization": (24.0,) * 3,
    }
    measured = results("authors' rewards", authors, data=None, seeds=(-0.1, 0.0, 0.1))
    rendered = ledger.render("t2s-t2", pd.concat([results("transfer", METHODS), measured]))
    found = claims(rendered)
    own, improved = (
        found[f"5NN, authors' rewards of 3 seen tasks: {name} above the published 30.46 (percent, over policy seeds)"]
        for name in ("Task2Sim", "Task2Sim, improved")
    )
    half = T_2 * 0.1 / 3**0.5
    mean = 92 / 3
    assert (own.estimate, own.low, own.high, own.n) == pytest.approx((mean, mean - half, mean + half, 3))
    assert (own.verdict, own.headline) == ("undecided", True)
    assert improved.verdict == "holds", "32 to 30.46"
    column = "authors' rewards | 5NN"
    assert rendered.table.loc["Task2Sim", column].tolist() == [30.46, 30.67], "here the printed value is of the same"
    assert rendered.table.loc["Task2Sim, improved", (column, "ours")] == 32
    randomised = rendered.table.loc["Domain Randomization", column]
    assert np.isnan(randomised["paper"]), "its printed row is no entry of these rewards"
    assert randomised["ours"] == 24


def test_left_out_tasks_stand_with_the_unseen_ones():
    left = {
        "Task2Sim": (30.0, 31.0, 32.0),
        "Task2Sim, improved": (31.0, 32.0, 33.0),
        SINGLE: (29.0,) * 3,
    }
    rows = results("leave tasks out", left, data=None, group=None)
    rendered = ledger.render("t2s-t3", rows)  # nothing was pretrained here
    held_out = "authors' 12 seen tasks, held out"
    assert rendered.table.loc["Task2Sim", (f"{held_out} | 5NN", "ours")] == 31
    assert (f"{held_out} | 5NN", "paper") not in rendered.table
    found = claims(rendered)
    against_single = found[f"5NN, {held_out}: Task2Sim, improved above {SINGLE} (points, over tasks)"]
    assert (against_single.estimate, against_single.n) == (pytest.approx(3), 3)
    assert found[f"5NN, {held_out}: Task2Sim, improved above Task2Sim (points, over tasks)"].low == 1
    with pytest.raises(InputError, match=r"t2s-t2: the results hold no rows of the experiment 'transfer' with seen"):
        ledger.render("t2s-t2", rows)


def test_a_method_without_a_task_is_named():
    rows = results("transfer", METHODS, seeds=(0.0, 1.0))
    gone = (rows["method"] == "Random") & (rows["task"] == "glyphs") & (rows["seed"] == 1)
    with pytest.raises(InputError, match=r"transfer: no 5NN of 'Random' for task 'glyphs' with seed 1; run that seed"):
        ledger.render("t2s-t2", rows[~gone])


def test_figure_3_takes_the_strongest_evaluation_that_is_there():
    small = results("transfer", METHODS)
    large = results("transfer", {"Task2Sim": (1.0, 2.0, 3.0)}, "Finetuning", data="large", seeds=(0.0, 2.0))
    assert ledger.render("t2s-f3", small).table.loc["streets", "Task2Sim"] == 62
    rendered = ledger.render("t2s-f3", pd.concat([small, large]))
    assert rendered.table["Task2Sim"].tolist() == [2, 3, 4]
    assert rendered.figure.axes[0].get_title().startswith("Finetuning, seen tasks, larger sets")
    assert rendered.claims == ()


def test_a_method_that_no_table_knows_comes_last():
    rows = results("transfer", {"Something new": (1.0,) * 3} | METHODS)
    assert ledger.render("t2s-f3", rows).table.columns.tolist()[-1] == "Something new"


VARIATIONS = {
    "Pose": (10.0, 20.0),
    "+Lighting": (12.0, 22.0),
    "+Blur": (16.0, 20.0),
    "+Materials": (14.0, 18.0),
    "+Background": (9.0, 14.0),
}


def table_1(tasks: tuple[str, ...] = ("digits", "aerials")) -> pd.DataFrame:
    return results("t2s-t1", VARIATIONS, "Linear Probing", data=None, tasks=tasks, seeds=(0.0, 0.0))


def test_table_1_names_the_stand_ins():
    table = ledger.render("t2s-t1", table_1()).table
    assert table.columns.get_level_values(0).unique().tolist() == [
        "EuroSAT (aerials)",
        "SVHN (digits)",
        "Sketch",
        "DTD",
    ]
    assert table.loc["+Blur", "SVHN (digits)"].tolist() == [35.58, 16]
    assert table.index.tolist() == list(VARIATIONS)
    own = ledger.render("t2s-t1", table_1(("EuroSAT", "CUB"))).table
    assert own.loc["+Blur", "EuroSAT"].tolist() == [90.20, 16]
    assert own.columns.get_level_values(0).unique().tolist()[-1] == "CUB"


def test_table_1_decides_each_task_in_the_printed_direction():
    """Printed: materials help SVHN and hurt EuroSAT; all variations help SVHN and hurt EuroSAT. Here both fall by 2."""
    rows = table_1()
    last = rows["method"] == "+Materials"
    rows.loc[last, "value"] += rows.loc[last, "seed"]  # 0 and 1
    rendered = ledger.render("t2s-t1", rows)
    assert [each.claim.split(",")[0] for each in rendered.claims] == [
        "+Materials below +Blur for EuroSAT (aerials)",
        "+Background below Pose for EuroSAT (aerials)",
        "+Materials above +Blur for SVHN (digits)",
        "+Background above Pose for SVHN (digits)",
    ]
    assert all(each.headline for each in rendered.claims)
    half = T_1 * 0.5**0.5 / 2**0.5
    assert [(each.estimate, each.high - each.estimate) for each in rendered.claims] == [
        pytest.approx((-1.5, half)),
        pytest.approx((-6, 0)),
        pytest.approx((-1.5, half)),
        pytest.approx((-1, 0)),
    ]
    assert [each.verdict for each in rendered.claims] == ["undecided", "holds", "undecided", "does not hold"]
    digits = next(axes for axes in rendered.figure.axes if axes.get_title() == "SVHN (digits)")
    ((_, _, (bars,)),) = digits.containers
    assert np.ptp(bars.get_segments()[3][:, 1]) == pytest.approx(2 * half), "the interval of +Materials over seeds"


def test_one_seed_of_table_1_decides_nothing():
    rows = table_1(("digits", "CUB"))
    found = ledger.render("t2s-t1", rows[rows["seed"] == 0]).claims
    assert [(each.n, each.verdict) for each in found] == [(1, "undecided")] * 2, "the paper has no such row of CUB"


def outputs(**values: tuple[float, ...]) -> pd.DataFrame:
    rows = [
        ("probability", "Task2Sim", seed, None, name, value + shift, task, group, None)
        for name, each in values.items()
        for (task, group), value in zip((("digits", "unseen"), ("photos", "seen")), each, strict=True)
        for seed, shift in enumerate((-0.1, 0.1))
    ]
    return frame(rows)


def test_figure_5_has_seen_tasks_first_and_parameters_in_the_papers_order():
    rendered = ledger.render("t2s-f5", outputs(materials=(0.6, 0.4), object_rotation=(0.2, 0.3), blur=(0.5, 0.5)))
    assert rendered.table.index.tolist() == [("seen", "photos"), ("unseen", "digits")]
    assert rendered.table.columns.tolist() == ["object_rotation", "blur", "materials"]
    assert rendered.table.loc[("unseen", "digits"), "object_rotation"] == pytest.approx(0.2), "mean over the seeds"
    rotation, materials = rendered.claims
    # A bootstrap of 0.2 and 0.3: a quarter of the means is 0.2, a quarter 0.3
    assert (rotation.estimate, rotation.low, rotation.high, rotation.n) == pytest.approx((0.25, 0.2, 0.3, 2))
    assert rotation.claim == "mean probability that object_rotation varies is less than 0.5 (over tasks)"
    assert materials.verdict == "undecided"


def test_figure_5_decides_both_directions():
    rendered = ledger.render("t2s-f5", outputs(object_rotation=(0.2, 0.2), light_intensity=(0.3, 0.3)))
    assert [each.verdict for each in rendered.claims] == ["holds", "does not hold"]


def sweep(figure: str, gaps: Mapping[int, tuple[float, ...]], metric: str = "Finetuning") -> pd.DataFrame:
    """Task2Sim's lead over Domain Randomization by size and task; Imagenet* is 1 above Task2Sim."""
    parts = []
    for size, lead in gaps.items():
        methods = {
            "Domain Randomization": (50.0,) * 3,
            "Task2Sim": tuple(50 + each for each in lead),
            "Imagenet*": tuple(51 + each for each in lead),
        }
        parts.append(results(figure, methods, metric, step=size, data=None))
    return pd.concat(parts)


def test_figure_8_beside_the_sentences_of_the_text():
    rows = sweep("t2s-f8", {1600: (-1.0, 0.0, 1.0), 400: (4.0, 5.0, 6.0), 800: (1.0, 2.0, 3.0)})
    rendered = ledger.render("t2s-f8", rows)
    paper, ours = (rendered.table["pretraining images", side] for side in ("paper", "ours"))
    assert ours["Task2Sim above Domain Randomization up to"] == 800
    assert ours["Domain Randomization matches Task2Sim"] == 1600
    assert np.isnan(ours["Task2Sim slightly above Imagenet-237"]), "never"
    assert paper["Domain Randomization matches Task2Sim"] == 1e6
    means = rendered.table.loc[[f"pretraining images: {size}" for size in (400, 800, 1600)]]
    assert means["Task2Sim", "ours"].tolist() == [55, 52, 50]
    assert [label.get_text() for label in rendered.figure.axes[0].get_xticklabels()] == ["400", "800", "1600"]
    fewest, most, lead = rendered.claims
    assert (fewest.claim, most.claim, lead.claim) == (
        "Task2Sim above Domain Randomization at the fewest pretraining images, 400 (points, over tasks)",
        "Task2Sim above Domain Randomization at the most pretraining images, 1600 (points, over tasks)",
        "lead of Task2Sim over Domain Randomization larger at the fewest pretraining images, 400, than at the most, "
        "1600 (points, over tasks)",
    )
    assert [each.estimate for each in rendered.claims] == pytest.approx([5, 0, 5])
    assert [each.verdict for each in rendered.claims] == ["holds", "undecided", "holds"]
    assert [each.headline for each in rendered.claims] == [True, False, True]


@pytest.mark.parametrize(
    ("gaps", "above_up_to", "caught_up"),
    [
        ({2: 1.0, 4: -1.0, 8: 1.0}, 2, 4),  # caught up, then left behind again
        ({2: -1.0, 4: 1.0, 8: 2.0}, np.nan, np.nan),  # ahead at first, behind later
        ({2: -1.0, 4: 1.0, 8: 0.0}, np.nan, 8),
        ({2: 1.0, 4: 2.0}, 4, np.nan),
    ],
)
def test_domain_randomization_catches_up_only_from_behind(gaps, above_up_to, caught_up):
    rows = sweep("t2s-f8", {size: (gap,) * 3 for size, gap in gaps.items()})
    ours = ledger.render("t2s-f8", rows).table["pretraining images", "ours"]
    found = ours[["Task2Sim above Domain Randomization up to", "Domain Randomization matches Task2Sim"]]
    assert found.tolist() == pytest.approx([above_up_to, caught_up], nan_ok=True)


def test_figure_6_beside_the_lead_of_real_images():
    rendered = ledger.render("t2s-f6", sweep("t2s-f6", {4: (4.0, 5.0, 6.0), 8: (1.0, 2.0, 3.0)}))
    said = rendered.table.loc["Imagenet subset minus Task2Sim", "points, mean of the seen tasks"]
    assert said.tolist() == [2, 1]
    assert len(rendered.claims) == 2, "the paper does not say that the lead shrinks with classes"


def test_a_method_may_be_absent_at_a_size_but_not_for_a_task_of_it():
    rows = sweep("t2s-f8", {size: (1.0, 2.0, 3.0) for size in (4, 8, 16)})
    real = rows["method"] == "Imagenet*"
    rendered = ledger.render("t2s-f8", rows[~(real & (rows["step"] == 8))])
    ours = rendered.table["Imagenet*", "ours"][[f"pretraining images: {size}" for size in (4, 8, 16)]]
    assert ours.tolist() == pytest.approx([53, np.nan, 53], nan_ok=True)
    left, right = rendered.figure.axes
    line = next(line for line in left.lines if line.get_label() == "Imagenet*")
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False], "a gap"
    assert [len(container[0].get_xdata()) for container in right.containers] == [3, 2]
    nowhere = ledger.render("t2s-f6", sweep("t2s-f6", {4: (1.0,) * 3})[lambda every: every["method"] != "Imagenet*"])
    assert np.isnan(nowhere.table.loc["Imagenet subset minus Task2Sim", ("points, mean of the seen tasks", "ours")])
    with pytest.raises(InputError, match=r"t2s-f8: no Finetuning of 'Imagenet[*]' for task 'glyphs' with seed 0"):
        ledger.render("t2s-f8", rows[~(real & (rows["step"] == 8) & (rows["task"] == "glyphs"))])


@pytest.mark.parametrize("ledger_id", ["t2s-f6", "t2s-f7", "t2s-f8"])
def test_one_size_and_one_method_are_laid_out_too(ledger_id):
    rows = sweep(ledger_id, {4: (4.0, 5.0, 6.0)})
    assert len(ledger.render(ledger_id, rows).claims) == 1
    alone = ledger.render(ledger_id, rows[rows["method"] == "Task2Sim"])
    assert alone.claims == ()
    assert alone.table["Task2Sim", "ours"].dropna().tolist() == [55]


EVERYTHING = pd.concat(
    [
        table_1(),
        results("transfer", METHODS),
        results("transfer", METHODS, group="unseen"),
        outputs(materials=(0.6, 0.4)),
        *(sweep(figure, {2: (1.0,) * 3, 4: (2.0,) * 3}) for figure in ("t2s-f6", "t2s-f7", "t2s-f8")),
    ]
)


@pytest.mark.parametrize(
    ("ledger_id", "cells"),
    [
        ("t2s-t1", ["+Blur"]),
        ("t2s-t2", ["Task2Sim", "Random"]),
        ("t2s-t3", ["Task2Sim", "Random"]),
        ("t2s-f3", list(TASKS)),
        ("t2s-f4", list(TASKS)),
        ("t2s-f5", ["digits", "photos"]),
        ("t2s-f6", ["classes: 2", "classes: 4"]),
        ("t2s-f7", ["meshes of a class: 2", "meshes of a class: 4"]),
        ("t2s-f8", ["pretraining images: 2", "pretraining images: 4"]),
    ],
)
def test_the_data_file_says_what_each_row_is_of(ledger_id, cells, tmp_path):
    """`core.publish` writes the names of rows where their column has a name."""
    table = ledger.render(ledger_id, EVERYTHING).table
    assert all(table.index.names)
    table.reset_index().to_csv(tmp_path / "data.csv", index=False)
    names = pd.read_csv(tmp_path / "data.csv").iloc[:, : table.index.nlevels].stack()
    assert set(cells) <= set(names)


@pytest.mark.parametrize("ledger_id", sorted(ledger.LAYOUTS))
def test_results_of_another_experiment_are_refused(ledger_id):
    other = pd.DataFrame([("size", "x", 0, None, "bytes", 1.0)], columns=list(records.COLUMNS))
    for rows in (other, other.iloc[:0]):
        with pytest.raises(InputError, match=f"{ledger_id}: the results hold no rows of the experiment '.*for it"):
            ledger.render(ledger_id, rows)


def test_an_id_without_a_layout_is_refused():
    with pytest.raises(InputError, match=r"no layout for 't2s-f9'; this chapter lays out \["):
        ledger.render("t2s-f9", results("transfer", METHODS))
