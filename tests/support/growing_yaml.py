"""YAML documents of a few hundred bytes that come to more values than any memory holds."""

from __future__ import annotations


def _bomb(level: str) -> str:
    lines = ["a0: &a0 x"]
    lines += [f"a{n}: &a{n} {level.replace('*', f'*a{n - 1}')}" for n in range(1, 30)]
    return "\n".join(lines)


# Lists, mappings and merged mappings of references; a list in itself.
GROWING = [
    _bomb("[*, *, *]"),
    _bomb("{p: *, q: *, r: *}"),
    _bomb("{<<: *, p: *, q: *, r: *}").replace("&a0 x", "&a0 {x: 1}"),
    "a: &a [*a]",
]
HARMLESS = "first: &first {a: 1}\nagain: [*first, {<<: *first, b: 2}]\n"
