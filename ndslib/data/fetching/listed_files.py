"""The files that a list of samples asks for: one an address, however many rows are parts of it."""

import hashlib
import itertools
import re
from typing import NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa

from ndslib.core.errors import InputError
from ndslib.data.fetching.whole_image import Picture, sizes_of
from ndslib.data.images import split_uri
from ndslib.data.loaders.remote_images import estimate_bytes

_SUFFIX = re.compile(r"\.\w{1,5}$", re.ASCII)
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST_NAME = 80  # with the digest, the suffix and what temporary names add, far below any system's limit


class ListedRow(NamedTuple):
    """A row: its number in the list, its columns of the same names; sizes are None where the list gives none."""

    number: int
    id: str
    dataset: str
    uri: str
    width: int | None
    height: int | None
    bytes: int | None

    def problem(self, picture: Picture) -> str | None:
        """Why a file is not, or does not hold, what this row lists; None when it does.

        Where the listed bytes are exact they decide alone, because providers that publish no pixels are listed with
        nominal ones (Open Images). They are exact unless they are the guess that stands for providers that publish
        none (COCO: `estimate_bytes`) or a part's share of its file; then the pixels decide.
        """
        try:
            width, height, size = sizes_of(picture, self.uri)
        except InputError as error:
            return str(error)
        exact = self._exact_bytes()
        if exact is not None:
            return None if size == exact else f"another image than listed: {size} bytes instead of {exact}"
        if self.width in (None, width) and self.height in (None, height):
            return None
        return f"another image than listed: {width} x {height} pixels instead of {self.width} x {self.height}"

    def _exact_bytes(self) -> int | None:
        is_part = split_uri(self.uri)[1] is not None
        is_guess = self.width and self.height and self.bytes == estimate_bytes(self.width, self.height)
        return None if is_part or is_guess else self.bytes


class ListedFile(NamedTuple):
    """An address (a uri without fragment), the name without suffix for what lies there, and its rows, at least one."""

    address: str
    stem: str
    rows: list[ListedRow]

    @property
    def host(self) -> str:
        """Whom to ask for it; "" is this machine."""
        try:
            return urlsplit(self.address).netloc
        except ValueError:  # no valid URL, as the attempt to load it will say
            return ""

    def problem(self, picture: Picture) -> str | None:
        """Why a file is not what any of the rows lists; None when it is for one of them at least."""
        problems = [row.problem(picture) for row in self.rows]
        return None if None in problems else problems[0]


def listed_files(listed: pa.Table) -> list[ListedFile]:
    """The files of a list (`ndslib.data.sample_list.read`), in the order of their first rows.

    A file is named after the id of its first row, as far as that is safe in a file name, and after its address, which
    keeps the names of different files apart.
    """
    files: dict[str, ListedFile] = {}
    columns = (listed[name].to_pylist() for name in ListedRow._fields[1:])
    for row in map(ListedRow._make, zip(itertools.count(), *columns, strict=False)):
        address = split_uri(row.uri)[0]
        if address not in files:
            files[address] = ListedFile(address, _stem(row.id, address), [])
        files[address].rows.append(row)
    return list(files.values())


def _stem(sample: str, address: str) -> str:
    readable = _UNSAFE.sub("_", _SUFFIX.sub("", sample)).strip("._-")[-_LONGEST_NAME:]
    return f"{readable}-{hashlib.sha256(address.encode()).hexdigest()[:16]}".lstrip("._-")
