"""Every module has a test named after it, in the folder of tests/unit that mirrors its own."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def places_of(module: Path) -> list[Path]:
    """Return where a module's test may lie: test_NAME.py, or test_ROOM_NAME.py for each room."""
    room = module.relative_to("vcc").parent
    rooms = ["_".join((*room.parts[start:], module.stem)) for start in range(len(room.parts) + 1)]
    return [ROOT / "tests" / "unit" / room / f"test_{name}.py" for name in rooms]


def has_test(module: Path) -> bool:
    return any(path.is_file() for path in places_of(module))


MODULES = sorted(
    path.relative_to(ROOT) for path in ROOT.glob("vcc/**/*.py") if path.name != "__init__.py"
)


def test_a_module_has_a_test_named_after_it() -> None:
    lacking = [module for module in MODULES if not has_test(module)]
    assert not [f"{module}: write {places_of(module)[-1].relative_to(ROOT)}" for module in lacking]


def test_both_forms_of_a_name_are_taken() -> None:
    names = [path.name for path in places_of(Path("vcc/data/store/files.py"))]
    assert names == ["test_data_store_files.py", "test_store_files.py", "test_files.py"]
