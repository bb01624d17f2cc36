import multiprocessing
import time

import pytest

from ndslib.core import paths
from ndslib.core.cache import cached
from ndslib.core.errors import InputError


def never(path):
    raise AssertionError(f"built again at {path}")


def write(text):
    return lambda path: path.write_text(text)


def folder(text):
    def build(path):
        path.mkdir()
        (path / "a.txt").write_text(text)

    return build


def entries():
    return sorted(path.name for path in (paths.cache_root() / "kind").iterdir())


def test_a_file_is_built_once():
    path = cached("kind", "abc", write("x"), ".txt")
    assert path == paths.cache_root() / "kind" / "abc.txt"
    assert cached("kind", "abc", never, ".txt").read_text() == "x"
    assert cached("kind", "other", write("y"), ".txt").read_text() == "y"
    assert entries() == ["abc.txt", "other.txt"]


def test_a_folder_is_built_once():
    assert (cached("kind", "abc", folder("x")) / "a.txt").read_text() == "x"
    assert cached("kind", "abc", never).is_dir()
    assert entries() == ["abc"]


def test_a_failing_build_leaves_nothing_and_can_be_repeated():
    def fail(path):
        path.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cached("kind", "abc", fail, ".txt")
    assert entries() == []
    assert cached("kind", "abc", write("whole"), ".txt").read_text() == "whole"


def test_nothing_is_visible_before_the_build_is_done():
    def look(path):
        path.write_text("half")
        assert not (paths.cache_root() / "kind" / "abc.txt").exists()

    assert cached("kind", "abc", look, ".txt").exists()


@pytest.mark.parametrize(("make", "suffix"), [(write, ".txt"), (folder, "")])
def test_when_another_was_faster_both_get_a_whole_result(make, suffix):
    def slow(path):
        make("slow")(path)
        cached("kind", "abc", make("fast"), suffix)

    path = cached("kind", "abc", slow, suffix)
    text = (path if suffix else path / "a.txt").read_text()
    assert text in ("slow", "fast")
    assert entries() == ["abc" + suffix]


def race(number, start, results):
    def build(path):
        path.mkdir()
        for part in range(20):
            (path / f"{part}.txt").write_text(str(number))
            time.sleep(0.001)

    start.wait()
    path = cached("kind", "race", build)
    results.put([(path / f"{part}.txt").read_text() for part in range(20)])


def test_processes_that_build_the_same_key_agree():
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(4), context.Queue()
    workers = [context.Process(target=race, args=(number, start, results)) for number in range(4)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert len({tuple(texts) for texts in found}) == 1
    assert len(set(found[0])) == 1
    assert entries() == ["race"]


def test_a_builder_that_writes_nothing_is_an_error():
    with pytest.raises(FileNotFoundError, match="without writing"):
        cached("kind", "abc", lambda path: None)
    assert entries() == []


@pytest.mark.parametrize(("kind", "key"), [("../x", "k"), ("kind", "a/b"), ("kind", ""), ("kind", ".."), ("", "k")])
def test_names_that_leave_the_cache_are_refused(kind, key):
    with pytest.raises(InputError, match="cannot name"):
        cached(kind, key, never)
