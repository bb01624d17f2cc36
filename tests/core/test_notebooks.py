import json

import pytest

from ndslib.core import notebooks
from ndslib.core.errors import InputError


def test_finds_a_notebook_by_key_start_or_path(write_notebook):
    path = write_notebook("nds/03_transfer")
    write_notebook("nds/05_confusion")
    write_notebook("00_start_here")
    for name in ("nds/03_transfer", "nds/03", "notebooks/nds/03_transfer.ipynb", "./notebooks/nds/03"):
        assert notebooks.find(name).path == path
    start = notebooks.find("00")
    assert (start.key, start.chapter, start.name) == ("00_start_here", "", "00_start_here")
    assert notebooks.find("nds/03").chapter == "nds"


def test_an_exact_key_is_never_ambiguous(write_notebook):
    write_notebook("nds/01_a")
    write_notebook("nds/01_a_longer")
    assert notebooks.find("nds/01_a").key == "nds/01_a"


def test_unknown_and_ambiguous_names_list_the_valid_ones(write_notebook):
    write_notebook("nds/03_transfer")
    write_notebook("nds/05_confusion")
    with pytest.raises(InputError, match=r"no notebook 'nds/3'.*nds/03_transfer, nds/05_confusion"):
        notebooks.find("nds/3")
    with pytest.raises(InputError, match=r"several notebooks: nds/03_transfer, nds/05_confusion"):
        notebooks.find("nds")
    with pytest.raises(InputError, match="no notebook ''"):
        notebooks.find("")


def test_order_and_hidden_folders(write_notebook):
    for key in ("rare/01_a", "nds/.ipynb_checkpoints/01_b-checkpoint", "nds/01_b", "00_start_here"):
        write_notebook(key)
    assert notebooks.keys() == ["00_start_here", "nds/01_b", "rare/01_a"]
    assert [notebook.key for notebook in notebooks.load_all()] == notebooks.keys()


def test_code_cells_are_those_that_run(write_notebook):
    path = write_notebook("nds/01_a", "x = 1", "", "widget()")
    content = json.loads(path.read_text())
    content["cells"][4]["metadata"]["tags"] = ["nbval-skip", "skip-execution"]
    path.write_text(json.dumps(content))
    sources = [cell["source"] for cell in notebooks.load("nds/01_a").code_cells]
    assert len(sources) == 3
    assert sources[1] == "x = 1"


@pytest.mark.parametrize(
    "about",
    [
        None,
        {"title": "t", "ledger": []},
        {"title": "t", "ledger": "nds-t4", "seconds": {}},
        {"title": 1, "ledger": [], "seconds": {}},
        {"title": "t", "ledger": [], "seconds": {"smoke": "long"}},
        {"title": "t", "ledger": [], "seconds": {}, "colour": "red"},
    ],
)
def test_refuses_wrong_metadata(write_notebook, about):
    path = write_notebook("nds/01_a")
    content = json.loads(path.read_text())
    content["metadata"]["ndslib"] = about
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"01_a\.ipynb: metadata\.ndslib"):
        notebooks.load("nds/01_a")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nbformat": 3}'])
def test_refuses_what_is_no_notebook(write_notebook, text):
    write_notebook("nds/01_a").write_text(text)
    with pytest.raises(InputError, match=r"01_a\.ipynb: not a"):
        notebooks.load("nds/01_a")
