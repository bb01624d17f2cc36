"""From finished runs to `figures/`: what is written, what the scorecard reads, and what is refused."""

import json
import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ndslib.core import paths, scorecard
from ndslib.core.errors import InputError
from ndslib.core.publish import Rendered, claim, claims_table, publish, recorded_claims
from ndslib.core.records import RunRecord
from ndslib.core.stats import Interval, mean_interval

KEY = "demo/01_small"
LAPTOP = {"PRESET": "laptop", "SEED": 0, "RATE": 0.1, "NAME": "b", "KS": [3]}  # what the preset resolves to
CLEAN = {"git_commit": "c0ffee", "git_dirty": False}


def picture():
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([0, 1])
    plt.close(figure)
    return figure


def render(ledger_id, rows):
    """A table of means, and the claim that the mean is above 1."""
    table = rows.groupby("method")[["value"]].mean()
    return Rendered(table, picture(), (claim("above 1", mean_interval(rows["value"]), margin=1.0),))


@pytest.fixture(autouse=True)
def demo(write_notebook, monkeypatch):
    """A chapter that lays out nds-t4, and its notebook, which also has the picture nds-f2."""
    monkeypatch.setitem(sys.modules, "ndslib.demo.ledger", SimpleNamespace(LAYOUTS={"nds-t4": render}, render=render))
    laptop = {"laptop": "PRESET: laptop\nNAME: b\nKS: [3]"}
    return write_notebook(KEY, ledger=["nds-t4", "nds-f2"], presets=laptop)


@pytest.fixture
def run(monkeypatch):
    """A function that records a finished run as the notebook would."""

    def write(seed, value=1.0, pictures=("nds-f2",), about=CLEAN, **parameters):
        given = {**LAPTOP, "SEED": seed, **parameters}
        monkeypatch.setenv("NDSLIB_RUN_DIR", str(paths.runs_root() / f"{seed}-{sorted(parameters.items())}"))
        with RunRecord.start(KEY, given) as record:
            record.add("e", "a", "m", value)
            for ledger_id in pictures:
                record.figure(ledger_id, picture(), pd.DataFrame({"from seed": [seed]}))
        path = record.directory / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | about))
        return record.directory

    return write


def written():
    root = paths.figures_root()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_writes_what_the_scorecard_reads(run):
    for seed, value in ((2, 4.0), (0, 2.0), (1, 3.0)):
        run(seed, value)
    figures = paths.figures_root() / "demo"
    assert publish("demo/01", "laptop") == [figures / "nds-t4.json", figures / "nds-f2.json"]
    assert written() == [
        f"demo/{name}{suffix}" for name in ("nds-f2", "nds-t4") for suffix in (".csv", ".json", ".png")
    ]
    found = scorecard.provenance("demo", "nds-t4")
    assert (found.notebook, found.preset, found.git_commit) == (KEY, "laptop", "c0ffee")
    assert found.seeds == [0, 1, 2]
    assert found.parameters == {name: value for name, value in LAPTOP.items() if name != "SEED"}
    assert {"python", "torch"} <= set(found.versions)
    assert found.seconds >= 0
    # 2, 3 and 4: mean 3, standard deviation 1; Student's 97.5 % quantile at 2 degrees of freedom is 4.3027
    (decided,) = found.claims
    assert (decided.estimate, decided.low, decided.high) == pytest.approx((3, 3 - 2.4841, 3 + 2.4841), abs=1e-4)
    assert (decided.n, decided.verdict) == (3, "undecided")


def test_the_data_has_the_names_of_its_rows(run):
    run(0, 2.0)
    publish(KEY, "laptop")
    assert (paths.figures_root() / "demo" / "nds-t4.csv").read_text() == "method,value\na,2.0\n"
    assert (paths.figures_root() / "demo" / "nds-t4.png").read_bytes().startswith(b"\x89PNG")


def test_a_table_without_row_names_is_written_without_numbers(run, monkeypatch):
    plain = SimpleNamespace(
        LAYOUTS={"nds-t4": None}, render=lambda _, rows: Rendered(rows[["seed", "value"]], picture())
    )
    monkeypatch.setitem(sys.modules, "ndslib.demo.ledger", plain)
    run(0, 2.0)
    publish(KEY, "laptop")
    assert (paths.figures_root() / "demo" / "nds-t4.csv").read_text() == "seed,value\n0,2.0\n"


def test_a_picture_comes_from_the_first_run(run):
    first = [run(seed) for seed in (5, 3)][1]
    publish(KEY, "laptop")
    for suffix in (".png", ".csv"):
        copy = paths.figures_root() / "demo" / f"nds-f2{suffix}"
        assert copy.read_bytes() == (first / f"nds-f2{suffix}").read_bytes()
    found = scorecard.provenance("demo", "nds-f2")
    assert (found.seeds, found.claims) == ([3, 5], [])


def test_one_seed_is_undecided_and_readable(run):
    run(7, 2.0)
    publish(KEY, "laptop")
    (decided,) = scorecard.provenance("demo", "nds-t4").claims
    assert (decided.low, decided.high, decided.n, decided.verdict) == (-np.inf, np.inf, 1, "undecided")


def test_a_second_time_replaces_the_first(run):
    run(0, 2.0)
    publish(KEY, "laptop")
    run(1, 4.0)
    publish(KEY, "laptop")
    assert scorecard.provenance("demo", "nds-t4").seeds == [0, 1]
    assert pd.read_csv(paths.figures_root() / "demo" / "nds-t4.csv")["value"].tolist() == [3.0]


def refused(message):
    with pytest.raises(InputError, match=message):
        publish(KEY, "laptop")
    assert written() == []


def test_refuses_absent_runs(run):
    run(0, PRESET="smoke")
    refused(r"no finished run of demo/01_small at preset 'laptop'; run it first")


def test_refuses_a_dirty_checkout(run):
    run(0)
    folder = run(1, about=CLEAN | {"git_dirty": True})
    refused(rf"{folder.name[:2]}.*uncommitted changes; commit, then run it again")


def test_refuses_a_run_without_seed(run):
    run(None)
    refused("it has no SEED")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"RATE": 0.2}, r"RATE = 0\.2, .* has 0\.1"), ({"EXTRA": 1}, "EXTRA = 1, .* has None")],
)
def test_refuses_runs_of_different_settings(run, change, message):
    run(0)
    run(1, **change)
    refused(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RATE": 0.2}, r"0-.* has RATE = 0\.2, the preset 'laptop' of demo/01_small has 0\.1: remove the run"),
        ({"KS": [3, 4]}, r"KS = \[3, 4\], the preset .* has \[3\]"),
        ({"NAME": None}, "NAME = None, the preset .* has 'b'"),
    ],
)
def test_refuses_runs_that_are_not_their_preset(run, change, message):
    for seed in (0, 1):
        run(seed, **change)
    refused(message)


def test_where_a_preset_ran_is_free(write_notebook, run):
    path = write_notebook(KEY, ledger=["nds-t4", "nds-f2"])
    content = json.loads(path.read_text())
    content["cells"][1]["source"] += '\nWORKERS = 2\nENGINE = "processes"\nDEVICE = "cpu"'
    path.write_text(json.dumps(content))
    run(4, WORKERS=8, ENGINE="serial", DEVICE="cuda")
    assert len(publish(KEY, "laptop")) == 2


def test_refuses_runs_of_different_commits(run):
    run(0)
    run(1, about=CLEAN | {"git_commit": "decade"})
    refused("git_commit = 'decade', .* has 'c0ffee'")


def test_refuses_a_missing_picture_and_writes_nothing(run):
    run(0, pictures=())
    refused(r"nds-f2\.png: the run saved no such file; its notebook must call record\.figure\('nds-f2'")


def test_an_error_leaves_the_older_record(run, monkeypatch):
    run(0, 2.0)
    publish(KEY, "laptop")
    before = {name: (paths.figures_root() / name).read_bytes() for name in written()}
    run(1, 4.0)
    (paths.runs_root() / "0-[]" / "nds-f2.csv").unlink()
    with pytest.raises(InputError, match=r"nds-f2\.csv"):
        publish(KEY, "laptop")
    assert {name: (paths.figures_root() / name).read_bytes() for name in written()} == before


def test_refuses_a_notebook_without_ledger_rows(write_notebook):
    write_notebook(KEY, ledger=[])
    refused(r"01_small\.ipynb: it regenerates no row of the ledger")


@pytest.mark.parametrize(
    ("interval", "direction", "verdict"),
    [
        (Interval(2, 1.5, 2.5, 3), "greater", "holds"),
        (Interval(2, 1.5, 2.5, 3), "less", "does not hold"),
        (Interval(2, 0.5, 3.5, 3), "greater", "undecided"),
        (Interval(0, -1, 0.5, 3), "less", "holds"),
    ],
)
def test_a_claim_is_decided_by_its_interval(interval, direction, verdict):
    decided = claim("text", interval, direction, margin=1.0)
    assert decided.verdict == verdict
    assert (decided.estimate, decided.low, decided.high, decided.n) == (
        interval.mean,
        interval.low,
        interval.high,
        interval.n,
    )


def test_claims_for_a_reader():
    table = claims_table((claim("a", Interval(1.23456, 0.12345, 2.5, 3)), claim("b", Interval(1, -np.inf, np.inf, 1))))
    assert table.to_dict("list") == {
        "claim": ["a", "b"],
        "estimate": [1.235, 1.0],
        "95 % interval": ["0.123 to 2.5", "-"],
        "n": [3, 1],
        "verdict": ["holds", "undecided"],
    }
    empty = claims_table(())
    assert empty.empty
    pd.testing.assert_series_equal(empty.dtypes, table.dtypes)


def test_headlines_alone_for_a_reader_in_a_hurry():
    some = Interval(1, 0, 2, 3)
    claims = (claim("a", some), claim("b", some, headline=True), claim("c", some))
    assert claims_table(claims)["claim"].tolist() == ["a", "b", "c"]
    assert claims_table(claims, headlines=True)["claim"].tolist() == ["b"]
    assert claims_table(claims[:1], headlines=True).dtypes.equals(claims_table(claims).dtypes)


def test_a_notebook_shows_the_whole_claim():
    long = "a claim that is " + "very, " * 20 + "long"
    table = claims_table((claim(long, Interval(1, 0, 2, 3)),))
    for shown in (table, pd.concat([table, table]), table[table["n"] > 1]):
        assert long in shown._repr_html_()


def test_recorded_claims_are_those_of_figures(run):
    before = recorded_claims("demo", "nds-t4")
    run(0, 2.0)
    publish(KEY, "laptop")
    after = recorded_claims("demo", "nds-t4")
    assert after["claim"].tolist() == ["above 1"]
    assert recorded_claims("demo", "nds-t4", headlines=True).empty
    assert before.empty
    assert before.columns.tolist() == after.columns.tolist()
    assert before[before["claim"].str.contains("above")].empty  # a notebook may select from either
