"""Keys of a JSON object that stand there twice: the parser would keep the last without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


def keys_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's pairs as a dictionary: `object_pairs_hook` of `json.loads`.

    Raises:
        ValueError: a key stands there twice.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        msg = f"{twice!r} stands there twice"
        raise ValueError(msg)
    return content
