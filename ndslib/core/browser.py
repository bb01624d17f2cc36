"""The machine's own Chromium without a window: pictures of web pages for notebooks, and pages for tests."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VARIABLE = "NDSLIB_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The path of the Chromium that `NDSLIB_CHROMIUM` names, or of the first of `NAMES` on the PATH.

    Raises:
        InputError: there is none, or the variable names no program.
    """
    named = os.environ.get(VARIABLE)
    for name in (os.path.expanduser(named),) if named else NAMES:
        if found := shutil.which(name):
            return found
    if named:
        raise InputError(f"{VARIABLE} is {named!r}, which is not a program: let it name a Chromium, or unset it")
    raise InputError(
        f"no Chromium on this machine (looked for {', '.join(NAMES)}): install one (Debian: apt-get install chromium), "
        f"or let {VARIABLE} name it"
    )


@contextlib.contextmanager
def browser() -> "Iterator[Browser]":
    """A running Chromium without a window, of playwright's sync API; closed at the end.

    Raises:
        InputError: playwright or Chromium is not installed, or Chromium does not start.
    """
    api, program = _playwright(), chromium()
    with api.sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=program)
        except api.Error as error:
            raise InputError(f"{program} does not start: {error.message}; let {VARIABLE} name another") from error
        with contextlib.closing(running):
            yield running


def screenshot(
    url: str,
    path: Path | str,
    width: int = 1280,
    height: int = 800,
    actions: "Callable[[Page], Any] | None" = None,
    whole: bool = True,
    **context: Any,
) -> Path:
    """Write a PNG of a web page, atomically, and return its path. Works in a notebook too.

    Args:
        url: address of the page.
        width, height: of the window in pixels.
        actions: what to do on the page before the picture, and what to wait for: a function of playwright's `Page`.
            It runs in a thread of its own: playwright's sync API refuses one in which a notebook's event loop runs.
        whole: picture the whole page, as long as it is, and not the window alone.
        context: options of playwright's `Browser.new_page`, as `color_scheme="dark"`.

    Raises:
        InputError: as for `browser`, or the page does not open.
    """
    with ThreadPoolExecutor(1) as thread:
        picture = thread.submit(_picture, url, (width, height), actions, whole, context).result()
    with atomic_path(path) as temporary:
        temporary.write_bytes(picture)
    return Path(path)


def _picture(
    url: str, size: tuple[int, int], actions: "Callable[[Page], Any] | None", whole: bool, context: dict[str, Any]
) -> bytes:
    with browser() as running:
        page = running.new_page(viewport={"width": size[0], "height": size[1]}, **context)
        try:
            page.goto(url, wait_until="networkidle")
        except _playwright().Error as error:
            raise InputError(f"{url} does not open: {error.message}; check the address and its server") from error
        if actions is not None:
            actions(page)
        if whole:
            _bring_all_into_sight(page)
        return page.screenshot(full_page=whole)


def _bring_all_into_sight(page: "Page") -> None:
    """Make the window as high as the page, and wait for the pictures that load when they come into sight."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({**page.viewport_size, "height": height})
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    page.wait_for_function("() => [...document.images].every((each) => each.complete || !each.checkVisibility())")


def _playwright() -> ModuleType:
    try:
        from playwright import sync_api
    except ModuleNotFoundError as error:
        raise InputError("playwright is not installed: pip install playwright") from error
    return sync_api
