"""Aliases that mean different networks, and the locks of promotions."""

from __future__ import annotations

import mlflow
import pytest
from registry_toys import BASE, ToyRegistry

from vcc.errors import TrackingError
from vcc.pipeline.doctor.aliases import check_aliases, check_lock
from vcc.pipeline.doctor.finding import Finding
from vcc.tracking import promotion_lock as locks
from vcc.tracking.promotion_lock import Lock, places_of, promotion_lock


def aliases(toy: ToyRegistry) -> list[Finding]:
    return list(check_aliases(toy.read()))


def lock(toy: ToyRegistry) -> list[Finding]:
    return list(check_lock(toy.read()))


def test_what_fits_together_gives_no_finding(toy: ToyRegistry) -> None:
    assert aliases(toy) == lock(toy) == []


@pytest.mark.parametrize("suffix", ["", "-onnx"])
def test_a_champion_in_one_form_only(toy: ToyRegistry, suffix: str) -> None:
    toy.alias("champion", 3, suffix)
    (finding,) = aliases(toy)
    assert finding.where == BASE + suffix
    assert finding.what == (
        "champion is on version 3; what is served of champion was made with version 2"
    )
    assert finding.mend.endswith(f"-P name={BASE} -P version=champion")


def test_what_is_served_is_what_an_alias_means(toy: ToyRegistry) -> None:
    toy.alias("champion", 3, "-video")
    assert [finding.where for finding in aliases(toy)] == [BASE, f"{BASE}-onnx"]


def test_a_previous_that_is_missing_in_a_form(toy: ToyRegistry) -> None:
    toy.client.delete_registered_model_alias(f"{BASE}-onnx", "previous")
    (finding,) = aliases(toy)
    assert finding.what.startswith("previous is on no version;")
    assert "set_registered_model_alias" in finding.mend
    assert "version 1" in finding.what


def test_an_export_that_gave_its_alias_to_one_form(toy: ToyRegistry) -> None:
    toy.alias("baseline", 3)
    assert aliases(toy) == []
    toy.alias("baseline", 1, "-onnx")
    (finding,) = aliases(toy)
    assert finding.what == "baseline is on a graph and a served model of different exports"
    assert finding.mend.endswith(f"-P source=models:/{BASE}@baseline")
    # A newer baseline that was not exported yet is no matter.
    toy.alias("baseline", 3, "-onnx")
    toy.alias("baseline", 2, "")
    assert aliases(toy) == []


def test_the_lock_of_a_promotion_that_goes_on_is_a_remark(toy: ToyRegistry) -> None:
    with promotion_lock(BASE):
        (finding,) = lock(toy)
        assert not finding.broken
        assert "goes on" in finding.what


def test_a_lock_left_behind_says_what_goes_back_where(
    toy: ToyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with promotion_lock(BASE) as held:
        Lock(name=held.name).note(places_of(BASE))
        mlflow.MlflowClient().set_registered_model_tag(held.name, "started", "1.0")
        monkeypatch.setattr(locks, "_give_up", lambda *_: None)
    (finding,) = lock(toy)
    assert finding.broken
    assert f"champion of {BASE}-video back to version 2" in finding.what
    assert finding.mend.endswith(f"-P name={BASE} -P version=champion")
    # What mends it is what the command calls first.
    locks.undo_killed(BASE)
    assert lock(toy) == []


@pytest.mark.parametrize("note", ["{", "[]", '{"champion": 2}', '{".-video champion": "two"}'])
def test_a_lock_whose_note_somebody_changed(toy: ToyRegistry, note: str) -> None:
    name = BASE + locks.LOCK_SUFFIX
    toy.client.create_registered_model(name, tags={"left": "now", "before": note})
    (finding,) = lock(toy)
    assert finding.broken
    assert "says nothing that aliases could go back by" in finding.what
    assert "delete_registered_model" in finding.mend
    with pytest.raises(TrackingError, match="says nothing that aliases could go back by"):
        locks.undo_killed(BASE)


def test_a_lock_that_does_not_say_whose_it_is_holds(toy: ToyRegistry) -> None:
    tags = {"machine": locks._machine(), "process": "mine", "started": "now"}
    toy.client.create_registered_model(BASE + locks.LOCK_SUFFIX, tags=tags)
    (finding,) = lock(toy)
    assert not finding.broken
