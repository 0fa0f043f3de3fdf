"""A subset of the classes, from the option to the annotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import Annotation, Entry
from vcc.data.annotations.classes import check_known, restricted, wanted_classes
from vcc.errors import ConfigError

THREE = Annotation(
    ("run", "swim", "walk"),
    tuple(Entry(f"{label}1", label, "train", None) for label in ("walk", "run", "swim")),
    "split1",
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ()),
        ("run,walk", ("run", "walk")),
        (" walk , run ,, ", ("walk", "run")),
        # Decomposed Unicode, as some file systems give it.
        ("cafe\u0301,run", ("caf\u00e9", "run")),
    ],
)
def test_names_are_split_at_commas(text: str | None, names: tuple[str, ...]) -> None:
    assert wanted_classes(text) == names


def test_a_file_holds_a_name_per_line(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("run\n\n  salt, pepper \nwalk", "utf-8")
    assert wanted_classes(str(path)) == ("run", "salt, pepper", "walk")


def test_many_names_are_no_file_s_name() -> None:
    # More than any file system takes for a name, as for half of UCF101's classes.
    names = [f"Class{number:03d}" for number in range(101)]
    assert wanted_classes(",".join(names)) == tuple(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run", "classes: 'run' names fewer than two; give A,B,C or a file"),
        ("", "classes: '' names fewer than two"),
        (",,run,", "names fewer than two"),
        ("run,walk,run", "classes: 'run' is named twice; name it once"),
        ("classes\0,b", None),
    ],
)
def test_fewer_than_two_or_one_twice_is_refused(text: str, message: str | None) -> None:
    if message is None:
        assert len(wanted_classes(text)) == 2
        return
    with pytest.raises(ConfigError, match=message):
        wanted_classes(text)


def test_an_unknown_class_is_named_with_the_nearest() -> None:
    check_known(("run", "walk"), THREE.labels)
    with pytest.raises(ConfigError, match="no class 'wlak': did you mean walk"):
        check_known(("run", "wlak"), THREE.labels)


def test_classes_keep_the_annotation_s_order() -> None:
    two = restricted(THREE, ("walk", "run"))
    assert two.labels == ("run", "walk")
    assert [entry.id for entry in two.entries] == ["walk1", "run1"]
    assert two.split == "split1"


def test_none_wanted_means_all() -> None:
    assert restricted(THREE, ()) is THREE
    with pytest.raises(ConfigError, match="no class 'jump'"):
        restricted(THREE, ("run", "jump"))
