"""A run says what code it ran and what was chosen, and nothing of repositories not ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vcc.config.entrypoints import PipelineEntry
from vcc.config.training import TrainingOptions
from vcc.data.machine import package_version
from vcc.tracking import provenance
from vcc.tracking.provenance import chosen_params, resolved_params

OPTIONS = TrainingOptions(learning_rate=0.5, no_val=True)


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
    assert pin == f"torch=={package_version('torch')}"
    assert pin in provenance.environment_lines().splitlines()


def test_defaults_are_no_parameters() -> None:
    assert chosen_params(TrainingOptions(), {}) == {}
    assert chosen_params(PipelineEntry(), {}) == {}
    assert chosen_params(OPTIONS, {}) == {"learning_rate": "0.5", "no_val": "true"}


@pytest.mark.parametrize("text", ["0.5", "0.50", "5e-1"])
def test_what_is_logged_is_not_repeated(text: str) -> None:
    assert chosen_params(OPTIONS, {"learning_rate": text, "no_val": "true"}) == {}


def test_an_option_that_another_name_set_is_told() -> None:
    # `-P lr=0.5`, a name of the thesis: MLflow has logged learning_rate's default beside it.
    logged = {"learning_rate": "0.1", "lr": "0.5", "no_val": "true"}
    assert chosen_params(OPTIONS, logged) == {"resolved.learning_rate": "0.5"}
    assert chosen_params(OPTIONS, {**logged, "resolved.learning_rate": "0.5"}) == {}


def test_what_the_options_say_themselves_was_not_resolved() -> None:
    values = {"store": "raw", "n_epochs": 3, "learning_rate": 0.5, "batch_size": None}
    options = {"store": "auto", "n_epochs": None, "learning_rate": 0.5}
    assert resolved_params(values, options, {}) == {
        "resolved.store": "raw",
        "resolved.n_epochs": "3",
        "resolved.batch_size": "",
    }


def test_a_run_that_goes_on_keeps_what_it_said() -> None:
    assert resolved_params({"n_epochs": 4}, {}, {"resolved.n_epochs": "3"}) == {}
