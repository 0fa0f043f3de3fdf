"""Parts are registered by a decorator, inside vcc and by entry points of other packages."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from vcc.errors import ConfigError, ScheduleError
from vcc.registry import Registry

GROUP = "vcc.tests"
PACKAGE = """
from {registry} import PARTS

@PARTS.register("theirs")
def theirs():
    return "from another package"
"""


def empty(**overrides: object) -> Registry[object]:
    return Registry("part", group=GROUP, rooms=(), **overrides)  # type: ignore[arg-type]


class TestNames:
    def test_a_part_is_found_by_its_name(self) -> None:
        parts = empty()

        @parts.register("one")
        def one() -> None: ...

        assert parts.get("one") is one
        assert (parts.names(), len(parts), "one" in parts) == (("one",), 1, True)

    def test_names_keep_their_order(self) -> None:
        parts = empty()
        for name in "cab":
            parts.add(name, object())
        assert [name for name, _ in parts.items()] == list(parts) == ["c", "a", "b"]

    def test_an_unknown_name_gets_the_nearest(self) -> None:
        parts = empty(error=ScheduleError)
        parts.add("AGP", object())
        with pytest.raises(
            ScheduleError, match=r"^pruners\.x: unknown part 'AGB': did you mean AGP"
        ):
            parts.get("AGB", "pruners.x")

    def test_two_parts_of_one_name_are_refused(self) -> None:
        parts = empty()
        parts.add("one", object())
        with pytest.raises(ValueError, match="two parts are named 'one'"):
            parts.add("one", object())


class TestRooms:
    def test_a_room_is_imported_when_a_part_is_asked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room = tmp_path / "a_room_of_parts"
        room.mkdir()
        (room / "__init__.py").write_text(
            "from vcc.registry import Registry\n"
            f"PARTS = Registry('part', group={GROUP!r}, rooms=('a_room_of_parts',))\n"
        )
        (room / "theirs.py").write_text(PACKAGE.format(registry="a_room_of_parts"))
        monkeypatch.syspath_prepend(str(tmp_path))
        from a_room_of_parts import PARTS  # type: ignore[import-not-found]

        assert PARTS.names() == ("theirs",)


class TestOtherPackages:
    @pytest.fixture
    def install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """A function that puts a package with an entry point on the path, as pip would."""

        def put(module: str) -> None:
            (tmp_path / "stranger.py").write_text(module)
            info = tmp_path / "stranger-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[{GROUP}]\ntheirs = stranger\n")
            monkeypatch.syspath_prepend(str(tmp_path))
            monkeypatch.delitem(sys.modules, "stranger", raising=False)

        return put

    def test_they_register_by_an_entry_point(
        self, install: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts = empty()
        install(PACKAGE.format(registry="a_module_of_vcc"))
        module = types.ModuleType("a_module_of_vcc")
        module.PARTS = parts  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "a_module_of_vcc", module)
        assert parts.names() == ("theirs",)

    def test_one_that_fails_is_named(self, install: Callable[[str], None]) -> None:
        install("raise RuntimeError('no such\\nlibrary')")
        parts = empty()
        for _ in range(2):  # the second time, too: half of the parts are never taken for all
            with pytest.raises(ConfigError, match=r"of the package 'stranger' .*no such library"):
                parts.names()
