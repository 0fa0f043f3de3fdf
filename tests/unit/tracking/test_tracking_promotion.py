"""Aliases move together or not at all, one promotion at a time, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from commands import run_command
from databases import new_database
from limits import HANG_S
from tracking_servers import mlflow_server, postgresql

from vcc.errors import TrackingError
from vcc.tracking import promotion
from vcc.tracking import promotion_lock as locks
from vcc.tracking.promotion import holder_of, make_champion
from vcc.tracking.promotion_lock import promotion_lock, undo_killed
from vcc.tracking.registry import Version, get_version
from vcc.tracking.versions_together import (
    find_version,
    only_name_with,
    version_by,
    versions_together,
)

ROOT = Path(__file__).resolve().parents[3]
BASE = "vcc-toy-motion"
FORMS = (BASE, f"{BASE}-onnx", f"{BASE}-video")


SLOW = pytest.mark.slow


def fill(client: mlflow.MlflowClient) -> None:
    """Leave three versions of every form in the registry, and nothing else."""
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)
    for name in FORMS:
        client.create_registered_model(name)
    for number in ("1", "2", "3"):
        for name in FORMS:
            client.create_model_version(
                name, f"s3://nowhere/{name}/{number}", tags={"export_id": f"e{number}"}
            )


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=SLOW)])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path | str]:
    """A file with that registry, or the address of a server that is to be filled for each test."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        fill(mlflow.MlflowClient(new_database(folder)))
        yield folder / "mlflow.db"
        return
    with postgresql() as database, mlflow_server(database, folder) as address:
        yield address


@pytest.fixture
def server(filled: Path | str, tmp_path: Path) -> str:
    """The tracking URI: of a file, two processes may use it, as on a laptop without a server."""
    if isinstance(filled, Path):
        return f"sqlite:///{shutil.copy(filled, tmp_path)}"
    fill(mlflow.MlflowClient(filled))
    return filled


@pytest.fixture
def registry(server: str) -> Iterator[mlflow.MlflowClient]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(server)
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


def aliases(client: mlflow.MlflowClient, name: str) -> dict[str, int]:
    return {key: int(value) for key, value in client.get_registered_model(name).aliases.items()}


def version(number: int, form: str = "-onnx") -> Version:
    return get_version(f"models:/{BASE}{form}/{number}")


def test_all_forms_move_and_the_former_champion_is_kept(registry: mlflow.MlflowClient) -> None:
    make_champion(version(1), instead_of=None)
    assert all(aliases(registry, name) == {"champion": 1} for name in FORMS)
    make_champion(version(2, ""), instead_of=version(1, "-video"))
    assert all(aliases(registry, name) == {"champion": 2, "previous": 1} for name in FORMS)
    # Back, as a rollback does: the two change places.
    previous = holder_of(BASE, "previous")
    assert previous is not None
    make_champion(previous, instead_of=holder_of(BASE, "champion"))
    assert all(aliases(registry, name) == {"champion": 1, "previous": 2} for name in FORMS)
    assert [model.name for model in registry.search_registered_models()] == sorted(FORMS)


def test_an_alias_set_by_hand_on_one_form_is_understood(registry: mlflow.MlflowClient) -> None:
    registry.set_registered_model_alias(f"{BASE}-video", "champion", "3")
    champion = holder_of(BASE, "champion")
    assert champion is not None
    assert champion.uri == f"models:/{BASE}-video/3"
    make_champion(version(1), instead_of=champion)
    assert all(aliases(registry, name) == {"champion": 1, "previous": 3} for name in FORMS)
    registry.set_registered_model_alias(f"{BASE}-onnx", "challenger", "2")
    assert only_name_with("challenger", option="name") == BASE
    with pytest.raises(TrackingError, match="nobody: no registered model at sqlite:.* has one"):
        only_name_with("nobody", option="name")
    assert set(versions_together(version_by(BASE, "challenger"))) == {"", "-onnx", "-video"}


def test_a_champion_exported_again_stays_what_is_served(
    registry: mlflow.MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    for name in FORMS[1:]:
        registry.set_model_version_tag(name, "1", "checkpoint", f"models:/{BASE}/1")
        registry.create_model_version(
            name,
            f"s3://nowhere/{name}/4",
            tags={"export_id": "e4", "checkpoint": f"models:/{BASE}/1"},
        )
    make_champion(version(1), instead_of=None)
    registry.set_model_version_tag(BASE, "1", "export_id", "e4")
    champion = holder_of(BASE, "champion")
    assert champion == version_by(BASE, "champion") == version(1, "-video")
    assert "several exports" not in caplog.text
    assert {v.uri for v in versions_together(champion).values()} == {
        version(1, form).uri for form in ("", "-onnx", "-video")
    }
    # The checkpoint itself means its newest export, which a promotion moves to.
    assert versions_together(version(1, ""))["-video"].uri == version(4, "-video").uri
    make_champion(version(1, ""), instead_of=champion)
    assert aliases(registry, f"{BASE}-video") == {"champion": 4, "previous": 1}
    assert aliases(registry, BASE)["champion"] == 1
    # Without its checkpoint an export is still one.
    registry.delete_model_version(BASE, "1")
    assert set(versions_together(version(1, "-video"))) == {"-onnx", "-video"}


def test_a_champion_that_changed_meanwhile_is_not_overruled(registry: mlflow.MlflowClient) -> None:
    make_champion(version(1), instead_of=None)
    with pytest.raises(TrackingError, match="no longer none.*nothing was moved"):
        make_champion(version(2), instead_of=None)
    assert all(aliases(registry, name) == {"champion": 1} for name in FORMS)


def test_what_fails_half_way_is_undone(
    registry: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_champion(version(1), instead_of=None)
    set_alias = promotion.set_alias

    def failing(target: Version, alias: str) -> None:
        if target.uri == f"models:/{BASE}-video/2":
            # Only the first time: undoing goes through the same function.
            monkeypatch.setattr(promotion, "set_alias", set_alias)
            msg = "the server went away"
            raise mlflow.MlflowException(msg)
        set_alias(target, alias)

    monkeypatch.setattr(promotion, "set_alias", failing)
    with pytest.raises(mlflow.MlflowException, match="went away"):
        make_champion(version(2), instead_of=version(1, "-video"))
    assert all(aliases(registry, name) == {"champion": 1} for name in FORMS)


def test_the_lock_is_held_by_one_and_says_by_whom(registry: mlflow.MlflowClient) -> None:
    with (
        promotion_lock(BASE),
        pytest.raises(TrackingError, match=r"holds the lock.* on .* since .*delete that"),
        promotion_lock(BASE, patience=0.1),
    ):
        pass
    with promotion_lock(BASE, patience=0.1):
        assert find_version(f"{BASE}-promotion-lock", "champion") is None


_PROMOTE = """
import sys, time
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
from vcc.errors import TrackingError
from vcc.tracking.promotion import make_champion
from vcc.tracking.registry import get_version
target = get_version(f"models:/vcc-toy-motion-onnx/{sys.argv[2]}")
before = get_version("models:/vcc-toy-motion-video/1")
print("ready", flush=True)
sys.stdin.readline()
try:
    make_champion(target, instead_of=before)
    print("moved")
except TrackingError as error:
    print("refused", error)
"""


# Two more processes; CI runs it all the same.
@SLOW
def test_of_two_promotions_at_once_one_wins_everywhere(
    registry: mlflow.MlflowClient, server: str
) -> None:
    make_champion(version(1), instead_of=None)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", _PROMOTE, server, number],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in ("2", "3")
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=HANG_S)[0] for process in both]
    assert sorted(line.split()[0] for line in said) == ["moved", "refused"], said
    winner = 2 if said[0].startswith("moved") else 3
    assert all(aliases(registry, name) == {"champion": winner, "previous": 1} for name in FORMS)
    # The lock is gone.
    assert [model.name for model in registry.search_registered_models()] == sorted(FORMS)


_DIE = """
import os, sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
from killing import die_at
from vcc.tracking import promotion, promotion_lock
from vcc.tracking.registry import get_version
owner = promotion if hasattr(promotion, sys.argv[2]) else promotion_lock
die_at(owner, sys.argv[2], int(sys.argv[3]))
before = get_version("models:/vcc-toy-motion-video/2")
promotion.make_champion(get_version("models:/vcc-toy-motion/3"), instead_of=before)
"""


@pytest.mark.parametrize(
    ("function", "count"),
    [
        pytest.param("_take", 1, marks=pytest.mark.slow),
        # Each of three forms gets `previous`, then `champion`: the first form has both.
        pytest.param("set_alias", 2, marks=pytest.mark.slow),
        pytest.param("set_alias", 3, marks=pytest.mark.slow),
        pytest.param("set_alias", 5, marks=pytest.mark.slow),
        pytest.param("_verify", 1, marks=pytest.mark.slow),
    ],
)
def test_a_killed_promotion_is_undone_by_the_next(
    registry: mlflow.MlflowClient, server: str, function: str, count: int
) -> None:
    make_champion(version(1), instead_of=None)
    make_champion(version(2), instead_of=version(1, "-video"))
    done = run_command(
        [sys.executable, "-c", _DIE, server, function, str(count)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert f"{BASE}-promotion-lock" in {m.name for m in registry.search_registered_models()}
    undo_killed(BASE)
    assert all(aliases(registry, name) == {"champion": 2, "previous": 1} for name in FORMS)
    make_champion(version(3), instead_of=version(2, "-video"))
    assert all(aliases(registry, name) == {"champion": 3, "previous": 2} for name in FORMS)
    assert [model.name for model in registry.search_registered_models()] == sorted(FORMS)


def test_the_lock_of_a_living_process_or_another_machine_is_left_alone(
    registry: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{BASE}-promotion-lock"
    with promotion_lock(BASE):
        undo_killed(BASE)
        tags = registry.get_registered_model(name).tags
        assert tags["process"] == str(os.getpid())
        # A number that was given to another process since is not its holder.
        registry.set_registered_model_tag(name, "started", "1.0")
        with monkeypatch.context() as patch:
            patch.setattr(locks, "_machine", lambda: "another")
            undo_killed(BASE)
        assert registry.get_registered_model(name).tags["started"] == "1.0"
        undo_killed(BASE)
        assert name not in {model.name for model in registry.search_registered_models()}
        registry.create_registered_model(name)


def missing_form(number: str, form: str) -> str:
    return f"models:/{BASE}.*/{number}: cannot be champion: .* in {BASE}{form} is missing"


@pytest.mark.parametrize(
    "form", ["-video", *(pytest.param(form, marks=pytest.mark.slow) for form in ("-onnx", ""))]
)
def test_a_version_without_a_form_of_the_champion_is_refused(
    registry: mlflow.MlflowClient, form: str
) -> None:
    make_champion(version(1), instead_of=None)
    make_champion(version(2), instead_of=version(1, "-video"))
    registry.delete_model_version(f"{BASE}{form}", "1")
    before = [aliases(registry, name) for name in FORMS]
    target = version_by(BASE, "previous")
    with pytest.raises(TrackingError, match=missing_form("1", form)):
        make_champion(target, instead_of=version(2, "-video"))
    assert [aliases(registry, name) for name in FORMS] == before
    # Neither does a first champion leave nothing to serve.
    registry.delete_model_version(f"{BASE}-video", "3")
    with pytest.raises(TrackingError, match=missing_form("3", "-video")):
        make_champion(version(3), instead_of=version(2, "-video"))


def test_no_older_version_stays_previous_where_the_champion_lost_a_form(
    registry: mlflow.MlflowClient,
) -> None:
    make_champion(version(1), instead_of=None)
    make_champion(version(2), instead_of=version(1, "-video"))
    registry.delete_model_version(f"{BASE}-video", "2")
    make_champion(version(3), instead_of=version(2, "-onnx"))
    assert aliases(registry, f"{BASE}-video") == {"champion": 3}
    # A rollback finds the graph's, and says what of it is missing.
    with pytest.raises(TrackingError, match=missing_form("2", "-video")):
        make_champion(version_by(BASE, "previous"), instead_of=version(3, "-video"))


class Interrupted(BaseException):
    """As an interrupt: no handler of errors sees it."""


# What a promotion calls, in the modules that call it, and how often.
STEPS = [
    (locks, "_take", 1),
    (locks.Lock, "note", 1),
    *((promotion, "set_alias", count) for count in range(1, 7)),
    (promotion, "_verify", 1),
    (locks.Lock, "forget", 1),
]


def break_off(patch: pytest.MonkeyPatch, owner: object, name: str, count: int, when: str) -> None:
    original = getattr(owner, name)
    calls = iter(range(1, 100))

    def breaking(*args: object, **kwargs: object) -> object:
        mine = next(calls) == count
        if mine and when == "before":
            raise Interrupted
        result = original(*args, **kwargs)
        if mine:
            raise Interrupted
        return result

    patch.setattr(owner, name, breaking)


@pytest.mark.parametrize(
    ("rollback", "when"),
    [
        pytest.param(True, "after", marks=pytest.mark.slow),
        pytest.param(False, "after", marks=pytest.mark.slow),
        pytest.param(True, "before", marks=pytest.mark.slow),
        pytest.param(False, "before", marks=pytest.mark.slow),
    ],
)
def test_an_interrupt_at_any_step_moves_nothing(
    registry: mlflow.MlflowClient, when: str, rollback: bool
) -> None:
    make_champion(version(1), instead_of=None)
    make_champion(version(2), instead_of=version(1, "-video"))
    target = 1 if rollback else 3
    for step in STEPS:
        with pytest.MonkeyPatch.context() as patch:
            break_off(patch, *step, when)
            with pytest.raises(Interrupted):
                make_champion(version(target), instead_of=version(2, "-video"))
        assert all(aliases(registry, name) == {"champion": 2, "previous": 1} for name in FORMS)
        assert [model.name for model in registry.search_registered_models()] == sorted(FORMS)
    make_champion(version(target), instead_of=version(2, "-video"))
    assert all(aliases(registry, name) == {"champion": target, "previous": 2} for name in FORMS)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Interrupted, marks=pytest.mark.slow),
        mlflow.MlflowException("the server went away"),
    ],
)
def test_where_restoring_fails_the_lock_stays_and_the_next_call_repairs(
    registry: mlflow.MlflowClient, error: BaseException
) -> None:
    make_champion(version(1), instead_of=None)
    make_champion(version(2), instead_of=version(1, "-video"))

    def failing(*_: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, promotion, "set_alias", 3, "after")
        patch.setattr(promotion, "put_back", failing)
        with pytest.raises((Interrupted, mlflow.MlflowException)):
            make_champion(version(3), instead_of=version(2, "-video"))
    assert aliases(registry, BASE)["champion"] == 3
    assert aliases(registry, f"{BASE}-video")["champion"] == 2
    tags = registry.get_registered_model(f"{BASE}-promotion-lock").tags
    assert tags["left"]
    # Whichever machine comes next, and though the process that left it lives on.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locks, "_machine", lambda: "another")
        undo_killed(BASE)
    assert all(aliases(registry, name) == {"champion": 2, "previous": 1} for name in FORMS)
    make_champion(version(3), instead_of=version(2, "-video"))
    assert all(aliases(registry, name) == {"champion": 3, "previous": 2} for name in FORMS)


def test_a_move_that_cannot_be_recorded_is_undone(registry: mlflow.MlflowClient) -> None:
    make_champion(version(1), instead_of=None)

    def failing(_: promotion.Move) -> None:
        msg = "the disk is full"
        raise OSError(msg)

    with pytest.raises(OSError, match="full"):
        make_champion(version(2), instead_of=version(1, "-video"), record=failing)
    assert all(aliases(registry, name) == {"champion": 1} for name in FORMS)
    # A version that was deleted since has no alias to give back, and blocks nothing.
    with promotion_lock(BASE) as lock:
        lock.note({("", "champion"): 1, ("-onnx", "previous"): 99})
        lock.keep = True
    undo_killed(BASE)
    assert aliases(registry, f"{BASE}-onnx") == {"champion": 1}
