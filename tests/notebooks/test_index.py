"""The index of the notebooks says what is true now."""

from pathlib import Path

from ndslib.core import notebooks

README = Path(__file__).parents[2] / "notebooks" / "README.md"


def test_index_is_in_step_with_the_notebooks():
    assert notebooks.index_markdown() in README.read_text(), "run `ndslib list --markdown` and put it into the README"


def test_every_notebook_of_the_index_exists():
    known = notebooks.keys()
    links = [key for key in known if f"({key}.ipynb)" in README.read_text()]
    assert links == known
    assert len(links) >= 6
