"""The lock of promotions: who holds it, when nobody does any more, and what its note puts back."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import psutil
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from registry_toys import BASE, ToyRegistry

from vcc.errors import TrackingError
from vcc.tracking import promotion_lock as locks
from vcc.tracking.promotion_lock import (
    LOCK_SUFFIX,
    is_abandoned,
    lock_tags,
    noted_places,
    places_of,
    promotion_lock,
    put_back,
    undo_killed,
    who,
)

NAME = BASE + LOCK_SUFFIX


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(toy: ToyRegistry) -> None:
    """Break a promotion off after it moved the champion's graph to version 3."""
    with promotion_lock(BASE) as lock:
        lock.note(places_of(BASE))
        toy.alias("champion", 3, "-onnx")
        lock.keep = True


def test_a_lock_says_who_holds_it_and_goes_with_its_holder(toy: ToyRegistry) -> None:
    with promotion_lock(BASE):
        tags = lock_tags(NAME)
        assert tags["holder"] == who()
        assert tags["process"] == str(os.getpid())
        assert not is_abandoned(tags)
    assert lock_tags(NAME) == {}


def test_a_lock_that_is_held_is_waited_for_and_then_named(toy: ToyRegistry) -> None:
    with (
        promotion_lock(BASE),
        pytest.raises(TrackingError, match=f"^{NAME}: another promotion holds .*{who()} on .*"),
        promotion_lock(BASE, patience=0),
    ):
        pytest.fail("two hold one lock")


def test_a_lock_that_is_given_up_while_it_is_asked_for_is_asked_for_again(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = mlflow.MlflowClient.create_registered_model
    refusals = [MlflowException("not found", error_code=RESOURCE_DOES_NOT_EXIST)]

    def refuse_once(*words: Any, **more: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return create(*words, **more)

    monkeypatch.setattr(mlflow.MlflowClient, "create_registered_model", refuse_once)
    with promotion_lock(BASE) as held:
        assert lock_tags(held.name)
    assert refusals == []


def test_the_note_is_read_as_it_was_written(toy: ToyRegistry) -> None:
    before = places_of(BASE)
    assert before["-video", "champion"] == 2
    assert before["", "previous"] == 1
    with promotion_lock(BASE) as lock:
        assert noted_places(lock_tags(NAME)) == {}
        lock.note(before)
        assert noted_places(lock_tags(NAME)) == before
        lock.forget()
        assert noted_places(lock_tags(NAME)) == {}


@pytest.mark.usefixtures("temporary")
def test_what_was_left_behind_is_put_back_by_its_note(
    toy: ToyRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    before = places_of(BASE)
    left_behind(toy)
    assert is_abandoned(lock_tags(NAME))
    assert places_of(BASE) != before
    undo_killed(BASE)
    assert places_of(BASE) == before
    assert lock_tags(NAME) == {}
    assert f"{BASE}: a promotion was broken off" in caplog.text
    # There is nothing to undo: nothing is said.
    caplog.clear()
    undo_killed(BASE)
    assert not caplog.text


def test_an_alias_is_put_back_where_there_was_none_and_where_the_version_is_gone(
    toy: ToyRegistry,
) -> None:
    before = places_of(BASE)
    toy.forget("-onnx", 1)
    toy.alias("previous", 3)
    put_back(BASE, {**before, ("", "champion"): None})
    after = {**before, ("", "champion"): None, ("-onnx", "previous"): None}
    assert places_of(BASE) == after


def test_an_alias_that_the_server_refuses_is_named(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        msg = "read-only"
        raise mlflow.MlflowException(msg)

    before = places_of(BASE)
    toy.alias("champion", 3, "-video")
    monkeypatch.setattr(mlflow.MlflowClient, "set_registered_model_alias", refuse)
    with pytest.raises(TrackingError, match=f"{BASE}-video: champion cannot be put back .* 2: re"):
        put_back(BASE, before)


def test_only_a_process_of_this_machine_can_be_seen_to_be_dead() -> None:
    mine = {
        "machine": locks._machine(),
        "process": str(os.getpid()),
        "started": str(psutil.Process().create_time()),
    }
    assert not is_abandoned(mine)
    assert not is_abandoned({**mine, "machine": "another", "started": "1.0"})
    assert is_abandoned({**mine, "started": "1.0"}), "the number went to another process"
    assert is_abandoned({**mine, "token": "of a lock that this process gave up"})
    assert is_abandoned({**mine, "left": "2026-01-01"})
    # Beyond the highest number that Linux gives.
    assert is_abandoned({**mine, "process": str(2**22 + 1)})


def test_a_file_of_somebody_else_in_the_way_is_named(toy: ToyRegistry, temporary: Path) -> None:
    left_behind(toy)
    # Another account's file cannot be opened either; a folder refuses whoever runs the tests.
    (temporary / f"{NAME}.lock").mkdir()
    with pytest.raises(TrackingError, match=f"{temporary}/{NAME}.lock: cannot be locked .*remove"):
        undo_killed(BASE)
    assert lock_tags(NAME)["left"], "the lock stays for the next one"
