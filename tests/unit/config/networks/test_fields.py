"""The options of all families become fields of options classes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest
from strangers import install_package

from vcc.config.model import ModelOptions
from vcc.config.networks import fields
from vcc.config.networks.arguments import BuilderOptions
from vcc.config.networks.family import FAMILIES, FamilyOptions, family_option
from vcc.config.networks.fields import (
    dropout_help,
    family_names,
    known_families,
    with_family_options,
)
from vcc.config.options import Options, field_types, option
from vcc.config.tracking import SourceOptions
from vcc.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Here(FamilyOptions):
    """One family."""

    depth: int = family_option(2, "layers", choices=(2, 3))
    kind: str = family_option("a", "kind", choices=("a", "b"))


@dataclass(frozen=True, kw_only=True)
class There(FamilyOptions):
    """Another one, with the same options."""

    depth: int = family_option(7, "layers", choices=(7,))
    kind: str = family_option("a", "kind", choices=("a", "b"))


@pytest.fixture
def _two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FAMILIES, "_parts", {"here": Here, "there": There})
    monkeypatch.setattr(FAMILIES, "_is_loaded", True)
    monkeypatch.setattr(fields, "DEFAULT_FAMILY", "there")


def made(**how: object) -> type[Options]:
    @dataclass(frozen=True, kw_only=True)
    @with_family_options(after="first", **how)  # type: ignore[arg-type]
    class Made(Options):
        """Options."""

        first: int = option(1, "before")
        last: int = option(2, "behind")

    return Made


@pytest.mark.usefixtures("_two")
class TestFields:
    def test_one_field_for_an_option_of_several_families(self) -> None:
        cls = made()
        assert [field.name for field in dataclasses.fields(cls)] == [
            "first",
            "depth",
            "kind",
            "last",
        ]
        depth, kind = dataclasses.fields(cls)[1:3]
        # Of different choices none is a limit of the command line's; the default family's default.
        assert (depth.default, depth.metadata["choices"]) == (7, ())
        assert depth.metadata["help"] == "here, there: layers"
        assert kind.metadata["choices"] == ("a", "b")
        with pytest.raises(ConfigError, match="kind: 'c' is not one of a, b"):
            cls(kind="c")  # type: ignore[call-arg]

    def test_names_and_help_of_others(self) -> None:
        cls = made(prefix="t_", told="teacher: {help} of {families}", unset=True)
        field = dataclasses.fields(cls)[1]
        assert (field.name, field.default) == ("t_depth", None)
        assert field.metadata["help"] == "teacher: layers of here, there"
        assert field_types(cls)["t_depth"] == int | None

    def test_one_name_has_one_type(self, monkeypatch: pytest.MonkeyPatch) -> None:
        @dataclass(frozen=True, kw_only=True)
        class Text(FamilyOptions):
            """Calls something else by the same name."""

            depth: str = family_option("deep", "how deep")

        monkeypatch.setitem(FAMILIES._parts, "text", Text)
        with pytest.raises(ValueError, match="depth has different types in the families here, th"):
            made()


def test_the_options_of_vcc_s_families() -> None:
    found = {field.name: field for field in dataclasses.fields(ModelOptions)}
    own = tuple(name for name in found if name not in BuilderOptions.__dataclass_fields__)
    assert own[:2] == ("model", "model_depth")
    assert ", ".join(family_names()) in found["model"].metadata["help"]
    assert found["resnet_shortcut"].metadata["choices"] == ("A", "B")
    # A checkpoint knows its own dropout, head and argument.
    known = {"dropout", "head", "classes_arg"}
    assert set(found) - known <= {field.name for field in dataclasses.fields(SourceOptions)}


def test_the_help_of_dropout_tells_each_family_s() -> None:
    assert dropout_help().endswith(
        "not set: 0.2 for mobilenet, mobilenetv2, shufflenet, shufflenetv2; 0.5 for c3d, "
        "squeezenet, slow, x3d; else 0"
    )


def test_a_package_that_fails_leaves_the_families_of_vcc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = family_names()
    install_package(tmp_path, monkeypatch, FAMILIES, "raise RuntimeError('too old')")
    assert tuple(sorted(name for name, _ in known_families())) == names
    with pytest.raises(ConfigError, match=r"package 'stranger' cannot be loaded \(too old\)"):
        ModelOptions().build_options()
