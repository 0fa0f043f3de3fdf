"""A run says what code it ran, and nothing of a repository that is not the project's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vcc.tracking import provenance


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository in which a copy of the package lies, not yet committed."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "README").write_text("somebody's project")
    git(tmp_path, "add", "README")
    git(tmp_path, "commit", "--quiet", "--message", "theirs")
    (tmp_path / "vcc").mkdir()
    (tmp_path / "vcc" / "__init__.py").touch()
    monkeypatch.setattr(provenance, "PROJECT_ROOT", tmp_path)
    return tmp_path


def test_a_checkout_says_its_commit_and_whether_it_was_changed(project: Path) -> None:
    git(project, "add", "vcc")
    git(project, "commit", "--quiet", "--message", "ours")
    head = git(project, "rev-parse", "HEAD")
    assert provenance.git_commit() == head
    assert provenance.provenance_tags()["git_commit"] == head

    (project / "README").write_text("changed")
    assert provenance.git_commit() == f"{head}-dirty"


def test_an_installation_in_another_repository_says_no_commit(project: Path) -> None:
    assert (project / "vcc" / "__init__.py").exists()
    assert provenance.git_commit() is None
    assert "git_commit" not in provenance.provenance_tags()


def test_pins_name_what_is_installed_only() -> None:
    (pin,) = provenance.pinned("torch", "no-such-package-anywhere")
    assert pin == f"torch=={provenance.package_version('torch')}"
    assert pin in provenance.environment_lines().splitlines()
