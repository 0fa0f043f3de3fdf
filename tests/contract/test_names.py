"""One name stands for one thing, so that a search finds it."""

from __future__ import annotations

import ast
from collections import defaultdict

from sources import MODULES, ROOT, tree_of


def public_classes(source: ast.Module) -> list[str]:
    """Return the names of a module's classes that other modules may use."""
    return [
        node.name
        for node in source.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def test_no_two_public_classes_share_a_name() -> None:
    found = defaultdict(list)
    for path in MODULES:
        for name in public_classes(tree_of(path)):
            found[name].append(str(path.relative_to(ROOT)))
    assert len(found) > 100
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


def test_classes_are_found_and_private_ones_left_out() -> None:
    text = "class A: ...\nclass _B: ...\ndef f():\n    class C: ...\n"
    assert public_classes(ast.parse(text)) == ["A"]


def asides(source: ast.Module) -> list[str]:
    """Return the docstrings of functions that begin with neither what they return nor what they do.

    A property's docstring is a noun: what it is.
    """
    found = []
    for node in ast.walk(source):
        if not isinstance(node, ast.FunctionDef):
            continue
        text = ast.get_docstring(node) or ""
        if text.startswith("Say ") or (text.startswith("Whether ") and not is_property(node)):
            found.append(text)
    return found


def is_property(function: ast.FunctionDef) -> bool:
    return "property" in {ast.unparse(each) for each in function.decorator_list}


def test_docstrings_begin_with_what_is_returned_or_done() -> None:
    found = {str(path.relative_to(ROOT)): asides(tree_of(path)) for path in MODULES}
    assert not {path: texts for path, texts in found.items() if texts}


def test_asides_are_found_and_properties_left_out() -> None:
    text = (
        'def f():\n    """Say whether."""\ndef g():\n    """Whether it is."""\n'
        'class A:\n    @property\n    def h(self):\n        """Whether it is."""\n'
    )
    assert asides(ast.parse(text)) == ["Say whether.", "Whether it is."]
