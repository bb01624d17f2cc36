"""Which files lie whole in a folder: an SQLite file there, written as each arrives, and the folder's lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from ndslib.core.errors import InputError
from ndslib.data.fetching.whole_image import Picture

NAME = ".fetched.sqlite"
_FIELDS = ", ".join(Picture._fields)


class Found(NamedTuple):
    """A file that is there, and what it holds."""

    path: Path
    picture: Picture


class Record:
    """What has come to a folder from which address, and under which name."""

    def __init__(self, database: sqlite3.Connection, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def find(self, address: str) -> Found | None:
        """The file from an address; None where none came, or it is gone or has another size than when it came."""
        row = self._database.execute(f"SELECT name, {_FIELDS} FROM files WHERE address = ?", [address]).fetchone()
        if row is None:
            return None
        found = Found(self._folder / row[0], Picture(*row[1:]))
        whole = found.path.is_file() and found.path.stat().st_size == found.picture.bytes
        return found if whole else None

    def add(self, address: str, name: str, picture: Picture) -> Found:
        """Note what comes under `name`; to be called before it has that name, so that no file has one unnoted."""
        values = (address, name, *picture)
        self._database.execute(f"REPLACE INTO files VALUES ({', '.join('?' * len(values))})", values)
        return Found(self._folder / name, picture)


@contextmanager
def opened(folder: Path) -> Iterator[Record]:
    """The record of a folder, made when absent. One process has it at a time; the end of a process frees it.

    Raises:
        InputError: another process has it, or the file is damaged.
    """
    with closing(sqlite3.connect(folder / NAME, isolation_level=None, timeout=0)) as database:
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA synchronous = OFF")  # the end of a process loses nothing that was written
            database.execute("BEGIN EXCLUSIVE")
            database.execute(f"CREATE TABLE IF NOT EXISTS files (address PRIMARY KEY, name, {_FIELDS})")
            database.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise InputError(f"{folder}: another process is fetching into it; wait for it to end") from error
            raise InputError(f"{folder / NAME}: {error}; remove it and fetch all files again") from error
        yield Record(database, folder)
