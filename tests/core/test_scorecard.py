import json
from typing import get_args

import pandas as pd
import pytest

from ndslib.core import paths, scorecard, stats
from ndslib.core.errors import InputError
from ndslib.core.scorecard import Claim
from ndslib.data import reported

CLAIM = {"claim": "NDS beats uniform", "estimate": 1.5, "low": 0.5, "high": 2.5, "n": 5, "verdict": "holds"}


def record(chapter="nds", ledger_id="nds-t4", claims=(CLAIM,), **changes):
    content = {
        "ledger_id": ledger_id,
        "notebook": "nds/03_transfer",
        "preset": "laptop",
        "seeds": [0, 1, 2, 3, 4],
        "git_commit": "1a2b3c4d5e6f",
        "device": "cpu",
        "seconds": 12.5,
        "versions": {"torch": "2.15.0"},
        "parameters": {"K": 10},
        "claims": list(claims),
        **changes,
    }
    path = paths.figures_root() / chapter / f"{ledger_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def line(card, ledger_id):
    return card.set_index("id").loc[ledger_id]


def test_one_line_a_ledger_row():
    card = scorecard.scorecard()
    assert list(card["id"]) == list(reported.ledger()["id"])
    assert (card["regenerated"] == "").all()
    assert (card["verdict"] == "").all()


def test_a_recorded_figure_counts_with_its_verdicts():
    verdicts = ("holds", "undecided", "holds", "does not hold")
    record(claims=[{**CLAIM, "verdict": verdict} for verdict in verdicts])
    found = line(scorecard.scorecard(), "nds-t4")
    assert found["regenerated"] == "laptop, 5 seeds, 1a2b3c4"
    assert found["verdict"] == "2 hold, 1 does not hold, 1 undecided"
    assert (found["preset"], found["seeds"], found["commit"]) == ("laptop", 5, "1a2b3c4")
    assert [claim.verdict for claim in found["claims"]] == list(verdicts)


def test_a_picture_without_claims_and_a_run_without_git():
    record(ledger_id="nds-f2", claims=[], seeds=[0], git_commit=None)
    found = line(scorecard.scorecard(), "nds-f2")
    assert found["regenerated"] == "laptop, 1 seed"
    assert found["verdict"] == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ledger_id": "nds-t5"}, "is about 'nds-t5'"),
        ({"claims": [{**CLAIM, "verdict": "yes"}]}, r"claims\.0\.verdict"),
        ({"claims": [{**CLAIM, "p": 0.1}]}, r"claims\.0\.p"),
        ({"preset": None}, "preset"),
        ({"extra": 1}, "extra"),
    ],
)
def test_refuses_a_wrong_provenance(changes, message):
    path = record()
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError, match=rf"nds-t4\.json.*{message}"):
        scorecard.scorecard()


def test_refuses_what_is_no_json():
    record().write_text("{")
    with pytest.raises(InputError, match=r"nds-t4\.json: not JSON"):
        scorecard.scorecard()


def test_markdown_has_a_row_a_line_and_escapes_bars():
    record()
    card = scorecard.scorecard()
    card.loc[0, "what"] = "a | b"
    lines = scorecard.to_markdown(card).splitlines()
    assert len(lines) == len(card) + 2
    assert "a \\| b" in lines[2]
    assert sum("laptop, 5 seeds, 1a2b3c4 | 1 holds |" in text for text in lines) == 1


def test_the_verdicts_are_those_of_the_statistics():
    assert get_args(scorecard.Claim.model_fields["verdict"].annotation) == get_args(stats.Verdict)


def test_headlines_are_listed_once_and_others_not_at_all(monkeypatch):
    first = {"claim": "a beats b", "estimate": 1.25, "low": 0.5, "high": 2.0, "n": 5, "verdict": "holds"}
    main = Claim(**first, headline=True)
    other = Claim(**{**first, "claim": "a beats c"})
    rows = [{"id": "nds-t4", "claims": [main, other]}, {"id": "ndsiclr-t3", "claims": [main]}]
    monkeypatch.setattr(scorecard, "scorecard", lambda: pd.DataFrame(rows))
    lines = scorecard.headlines_markdown().splitlines()
    assert lines[2:] == ["| nds-t4 | a beats b | 1.25 [0.5, 2] | 5 | holds |"]
