"""Options check themselves, whoever makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vcc.config.entrypoints import EvaluateEntry, SensitivityEntry
from vcc.config.mlproject import ENTRY_POINTS
from vcc.config.options import (
    Options,
    check_inputs,
    check_outputs,
    field_types,
    option,
    without_none,
)
from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.config.yaml_files.study_matrix import MethodOptions
from vcc.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Sample(Options):
    """An options class with one field of each kind."""

    count: int = option(3, "how many", at_least=1, at_most=9)
    rate: float = option(0.5, "how fast", above=0)
    kind: str = option("a", "which", choices=("alpha", "a"))
    steps: tuple[int, ...] = option((1, 2), "when", at_least=1)
    folder: Path | None = option(None, "where")
    flag: bool = option(False, "whether")


@dataclass(frozen=True, kw_only=True)
class Part(Options):
    """A part of Sample."""

    count: int = option(1, "how many")


def test_defaults_are_valid_and_dumped_as_json_types() -> None:
    assert Sample().as_dict() == {
        "count": 3,
        "rate": 0.5,
        "kind": "a",
        "steps": [1, 2],
        "folder": None,
        "flag": False,
    }
    assert Sample(folder=Path("x/y")).as_dict()["folder"] == "x/y"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count: 0 is out of range: it must be at least 1"),
        ({"count": 10}, "count: 10 is out of range: it must be at most 9"),
        ({"count": 1.5}, "count: 1.5 is not a whole number"),
        ({"count": True}, "count: True is not a whole number"),
        ({"rate": 0.0}, "rate: 0.0 is out of range: it must be more than 0"),
        ({"rate": "fast"}, "rate: 'fast' is not a number"),
        ({"kind": "alhpa"}, "kind: 'alhpa' is not one of alpha, a: did you mean alpha?"),
        ({"steps": (1, 0)}, "steps: 0 is out of range"),
        ({"steps": [1]}, "is not a list of whole numbers"),
        ({"folder": "text"}, "folder: 'text' is not a path"),
        ({"flag": 1}, "flag: 1 is not true or false"),
    ],
)
def test_a_bad_value_is_refused_by_name(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(").replace("?", r"\?")):
        Sample(**values)


def test_an_integer_is_a_number() -> None:
    assert Sample(rate=2).rate == 2


def test_from_mapping_names_the_place_and_the_nearest_key() -> None:
    with pytest.raises(ConfigError, match=r"file.yaml: unknown key 'cout': did you mean count\?"):
        Sample.from_mapping({"cout": 1}, where="file.yaml")
    assert Sample.from_mapping({"count": 2}, where="file.yaml").count == 2


def test_pick_takes_the_declared_part() -> None:
    assert Sample(count=7).pick(Part) == Part(count=7)


def _entry_classes() -> list[type[Options]]:
    return [*dict.fromkeys(cls for _, cls in ENTRY_POINTS.values()), GateOptions, MethodOptions]


def _float_options() -> list[tuple[type[Options], str, Any]]:
    return [
        (cls, name, value)
        for cls in _entry_classes()
        for name, hint in field_types(cls).items()
        if without_none(hint) is float
        for value in (math.inf, -math.inf, math.nan)
    ]


@pytest.mark.parametrize(("cls", "name", "value"), _float_options())
def test_no_option_is_infinite_or_no_number(cls: type[Options], name: str, value: float) -> None:
    with pytest.raises(
        ConfigError, match=rf"^{name}: (inf|-inf|nan) is out of range: it must be a finite number$"
    ):
        cls(**{name: value})


def test_lists_of_numbers_are_looked_into() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Rates(Options):
        rates: tuple[float, ...] = option((1.0,), "some")

    assert Rates(rates=(2.0, 3)).rates == (2.0, 3)
    with pytest.raises(ConfigError, match="rates: nan is out of range"):
        Rates(rates=(2.0, math.nan))


class TestInputs:
    @dataclass(frozen=True, kw_only=True)
    class Reads(Options):
        videos: Path | None = option(None, "read", is_input=True)
        output: Path = option(Path("absent"), "written")

    def test_what_is_there_and_what_is_written_is_fine(self, tmp_path: Path) -> None:
        (tmp_path / "dangling").symlink_to(tmp_path / "gone")
        for path in (None, tmp_path, tmp_path / "dangling"):
            check_inputs(self.Reads(videos=path))

    @pytest.mark.parametrize("folder", ["", "below"])
    def test_what_is_not_there_is_named_with_where_it_was_looked_for(
        self, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError) as caught:
            check_inputs(self.Reads(videos=Path(folder) / "clips"))
        assert str(caught.value) == (
            f"videos: there is no file or folder {Path(folder) / 'clips'} in {tmp_path}"
        )
        with pytest.raises(ConfigError, match="clips$"):
            check_inputs(self.Reads(videos=tmp_path / "clips"))


class TestOutputs:
    """What is written is looked at before hours of work."""

    @dataclass(frozen=True, kw_only=True)
    class Writes(Options):
        """A folder and a file."""

        results: Path = option(Path("results"), "a folder")
        table: Path = option(Path("table.csv"), "a file")

        def folders_written(self) -> tuple[str, ...]:
            return ("results",)

        def files_written(self) -> tuple[str, ...]:
            return ("table",)

    @pytest.mark.parametrize("name", ["", "there", "not/there"])
    def test_what_can_be_made_is_fine_and_is_not_made(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "there").mkdir()
        monkeypatch.chdir(tmp_path)
        for place in (tmp_path / name, Path(name)):
            check_outputs(self.Writes(results=place, table=place / "t.csv"))
        assert [path.name for path in tmp_path.iterdir()] == ["there"]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"results": "file"}, "results: file cannot be written: file is no folder"),
            ({"results": "file/below/it"}, "cannot be written: file is no folder"),
            ({"results": "x" * 256}, "'x{20}'... has 256 bytes, at most 255$"),
            ({"results": "ü" * 128 + "/a"}, "has 256 bytes, at most 255$"),
            ({"table": "x" * 201}, "table: x.* has 201 bytes, at most 200$"),
            ({"table": "folder"}, "table: folder cannot be written: it is a folder, where a file"),
            ({"table": "file/t.csv"}, "cannot be written: file is no folder"),
        ],
    )
    def test_what_cannot_be_is_said_at_once(
        self,
        values: dict[str, str],
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        monkeypatch.chdir(tmp_path)
        paths = {name: Path(value) for name, value in values.items()}
        with pytest.raises(ConfigError, match=message):
            check_outputs(self.Writes(**paths))

    def test_a_folder_of_somebody_else_s(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Whoever tests may be root, whom nothing is refused.
        monkeypatch.setattr("os.access", lambda *_: False)
        with pytest.raises(ConfigError, match=f"{tmp_path} may not be written to"):
            check_outputs(self.Writes(results=tmp_path / "a" / "b"))

    def test_only_what_an_entry_point_writes_is_looked_at(self) -> None:
        written = {name: cls().folders_written() for name, (_, cls) in ENTRY_POINTS.items()}
        assert written["train"] == written["compress"] == written["evaluate"] == ("results",)
        assert written["export"] == written["search"] == ("output",)
        assert EvaluateEntry(val_json=Path("a")).folders_written() == ()
        assert SensitivityEntry().files_written() == ("summary_path",)
        assert written["doctor"] == written["promote"] == ()
