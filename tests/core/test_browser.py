"""Finding Chromium, and pictures of pages taken with it."""

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ndslib.core import browser
from ndslib.core.errors import InputError


@pytest.fixture
def installed() -> None:
    """Skips where there is no Chromium."""
    try:
        browser.chromium()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The address of a red page of 900 pixels' height, which a click turns blue."""
    colour = "document.body.style.background = 'rgb(0, 0, 255)'"
    body = f'<body style="margin: 0; height: 900px; background: rgb(255, 0, 0)" onclick="{colour}">'
    place = tmp_path / "page.html"
    place.write_text(f"<!DOCTYPE html>{body}")
    return place.as_uri()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the whole PATH."""
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()
    return tmp_path / "programs"


def _program(path: Path) -> str:
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(0o755)
    return str(path)


def _pixels(picture: Path) -> np.ndarray:
    with Image.open(picture) as opened:
        return np.asarray(opened.convert("RGB"))


def test_the_first_known_name_on_the_path_is_found(programs):
    chrome = _program(programs / "google-chrome")
    assert browser.chromium() == chrome
    assert browser.chromium() != _program(programs / "chromium") == browser.chromium()


def test_the_variable_goes_before_the_path(programs, tmp_path, monkeypatch):
    _program(programs / "chromium")
    own = _program(tmp_path / "own")
    monkeypatch.setenv(browser.VARIABLE, own)
    assert browser.chromium() == own


def test_no_chromium_is_said_with_the_remedy(programs):
    with pytest.raises(InputError, match=r"no Chromium .*apt-get install chromium.*NDSLIB_CHROMIUM"):
        browser.chromium()


def test_a_variable_that_names_no_program_is_not_passed_over(programs, monkeypatch):
    _program(programs / "chromium")
    monkeypatch.setenv(browser.VARIABLE, "/nowhere/chromium")
    with pytest.raises(InputError, match="NDSLIB_CHROMIUM is '/nowhere/chromium'"):
        browser.chromium()


def test_a_program_that_is_no_chromium_is_named(programs):
    program = _program(programs / "chromium")
    with pytest.raises(InputError, match=f"{program} does not start"), browser.browser():
        pass


def test_playwright_that_is_absent_is_said_with_the_remedy(monkeypatch, page, tmp_path):
    monkeypatch.setitem(sys.modules, "playwright", None)
    with pytest.raises(InputError, match="pip install playwright"):
        browser.screenshot(page, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_screenshot_shows_the_whole_page_or_the_window(installed, page, tmp_path):
    whole = browser.screenshot(page, tmp_path / "whole.png", width=320, height=200)
    window = browser.screenshot(page, str(tmp_path / "window.png"), width=320, height=200, whole=False)
    assert _pixels(whole).shape == (900, 320, 3)
    assert _pixels(window).shape == (200, 320, 3)
    assert _pixels(window)[100, 160].tolist() == [255, 0, 0]


def test_pictures_that_load_when_they_come_into_sight_are_on_a_whole_page(installed, tmp_path):
    Image.new("RGB", (8, 8), "blue").save(tmp_path / "blue.png")
    late = '<p style="margin: 0; height: 5000px"></p><img src="blue.png" loading="lazy" style="display: block">'
    (tmp_path / "page.html").write_text(f'<!DOCTYPE html><body style="margin: 0">{late}')
    whole = browser.screenshot((tmp_path / "page.html").as_uri(), tmp_path / "whole.png", 64, 48)
    assert _pixels(whole)[5004, 4].tolist() == [0, 0, 255]


def test_actions_come_before_the_picture_also_where_an_event_loop_runs(installed, page, tmp_path):
    async def as_in_a_notebook() -> Path:
        return browser.screenshot(page, tmp_path / "blue.png", 64, 48, lambda page: page.click("body"), whole=False)

    assert _pixels(asyncio.run(as_in_a_notebook()))[5, 5].tolist() == [0, 0, 255]


def test_a_page_that_does_not_open_leaves_no_file(installed, tmp_path):
    with pytest.raises(InputError, match=r"nowhere.html does not open"):
        browser.screenshot((tmp_path / "nowhere.html").as_uri(), tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


def test_an_action_that_fails_leaves_the_old_picture(installed, page, tmp_path):
    (tmp_path / "out.png").write_bytes(b"old")

    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        browser.screenshot(page, tmp_path / "out.png", actions=fail)
    assert (tmp_path / "out.png").read_bytes() == b"old"
