import subprocess
import sys

import psutil
import pytest
import torch

from ndslib.core import provenance


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path))
    return tmp_path


def test_commit_and_dirtiness(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    assert provenance.source() == {"git_commit": head, "git_dirty": False}
    (checkout / "figures").mkdir()
    (checkout / "figures" / "a.png").write_text("picture")
    assert provenance.source()["git_dirty"] is False
    (checkout / "new.py").write_text("2\n")
    assert provenance.source() == {"git_commit": head, "git_dirty": True}


def test_outside_a_repository_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setenv("NDSLIB_ROOT", str(tmp_path))
    assert provenance.source() == {"git_commit": None, "git_dirty": None}


def test_without_git_nothing_is_claimed(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout))
    assert provenance.source() == {"git_commit": None, "git_dirty": None}


def test_environment_names_versions_and_device():
    found = provenance.environment()
    assert found["packages"]["torch"] == torch.__version__.partition("+")[0]
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["torch_threads"] == torch.get_num_threads()
    assert found["cpu_count"] >= 1
    assert found["device"]


def test_peak_memory_is_in_megabytes():
    held = psutil.Process().memory_info().rss / 1e6
    assert held - 1 <= provenance.peak_memory_mb() <= psutil.virtual_memory().total / 1e6
