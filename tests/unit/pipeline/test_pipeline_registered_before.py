"""A finished training that is resumed gives no second version."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.pipeline import registered_before as module
from vcc.pipeline.registered_before import epochs_trained, registered_before
from vcc.pipeline.train.resume import Resumption
from vcc.tracking.registry import Version


def version(**tags: str) -> Version:
    return Version(name="vcc-a-b", number=1, model_id=None, created_ms=0, tags=tags)


def resumption(run_id: str | None = "r") -> Resumption:
    return Resumption(path=Path("last.ckpt"), about={}, epochs_done=3, run_id=run_id)


@pytest.mark.parametrize(
    ("tags", "run_id", "epochs", "found"),
    [
        ({"run_id": "r", "epochs_done": "3"}, "r", 3, True),
        ({"run_id": "r", "epochs_done": "3"}, "r", 4, False),
        # Registered after two epochs; the third could not be registered.
        ({"run_id": "r", "epochs_done": "2"}, "r", 3, False),
        ({"run_id": "other", "epochs_done": "3"}, "r", 3, False),
        ({"run_id": "r"}, "r", 3, False),
        ({"run_id": "r", "epochs_done": "3"}, None, 3, False),
    ],
)
def test_only_the_very_same_state_was_registered_before(
    monkeypatch: pytest.MonkeyPatch,
    tags: dict[str, str],
    run_id: str | None,
    epochs: int,
    found: bool,
) -> None:
    monkeypatch.setattr(module, "list_versions", lambda: [version(**tags)])
    assert (registered_before(resumption(run_id), epochs) is not None) is found


def test_a_new_training_was_never_registered() -> None:
    assert registered_before(None, 0) is None


def test_without_a_checkpoint_the_resumed_epochs_count(tmp_path: Path) -> None:
    assert epochs_trained(tmp_path / "last.ckpt", resumption()) == 3
    assert epochs_trained(tmp_path / "last.ckpt", None) == 0
