"""Progress on standard error: a bar for a person, plain lines in batch.

Lines carry no times, so that two runs of a notebook leave the same text. `NDSLIB_PROGRESS` = `off`, `lines` or `bar`
overrides the choice.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

from ndslib.core.errors import InputError

Item = TypeVar("Item")
MODES = ("off", "lines", "bar")


def track(iterable: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items of `iterable`, showing how far it is.

    Args:
        description: what is being done, e.g. "training experts".
        total: number of items; taken from `len(iterable)` when it has one. Batch lines come at every item up to ten,
            then at every tenth of the total; with an unknown total at 1, 2, ... 10, 20, ... 100, 200, ...

    Raises:
        InputError: `NDSLIB_PROGRESS` is none of `off`, `lines`, `bar`.
    """
    mode = _mode()
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    if mode == "bar":
        # Text and not tqdm.notebook: a widget would leave its state in the notebook.
        return iter(tqdm(iterable, desc=description, total=total, file=sys.stderr, dynamic_ncols=True))
    return iter(iterable) if mode == "off" else _lines(iterable, description, total)


def _mode() -> str:
    mode = os.environ.get("NDSLIB_PROGRESS")
    if mode is None:
        # A Jupyter server names the session of the kernels that it opens for a person; papermill and nbval do not.
        return "bar" if sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ else "lines"
    if mode not in MODES:
        raise InputError(f"NDSLIB_PROGRESS={mode!r}: expected one of {', '.join(MODES)}")
    return mode


def _lines(iterable: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    for count, item in enumerate(iterable, start=1):
        yield item
        if _is_milestone(count, total):
            print(f"{description}: {count}" + (f"/{total}" if total else ""), file=sys.stderr, flush=True)


def _is_milestone(count: int, total: int | None) -> bool:
    if total:
        return total <= 10 or count * 10 // total > (count - 1) * 10 // total
    return count % 10 ** (len(str(count)) - 1) == 0
