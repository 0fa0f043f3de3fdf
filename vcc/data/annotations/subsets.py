"""What the sides of a split are called, in folders, files and columns, and what each is to us."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# As in `videos_train`, `val_256`, `testset`.
_NAME = re.compile(
    r"(?:(?:videos?|rawframes|frames|clips)[ _-]?)?"
    rf"({'|'.join(sorted(_WORDS, key=len, reverse=True))})"
    r"(?:[ _-]?(?:set|split|data|videos?|frames|clips|[0-9]+))?"
)


def subset_word(name: str) -> str | None:
    """Return `train`, `val` or `test` for a name that means one of them, in any case; else None."""
    match = _NAME.fullmatch(name.strip().casefold())
    return _WORDS[match[1]] if match else None


def is_split(words: Collection[str | None]) -> bool:
    """Return whether words of `subset_word` name both what is trained on and what is not."""
    return "train" in words and ("val" in words or "test" in words)


def our_subsets(words: Collection[str]) -> dict[str, str]:
    """Return the subset (train, dev, test) of each word.

    `val` is what is tested on where there is no `test`, as in Kinetics; beside it, it is dev.
    """
    return {word: _ours(word, words) for word in words}


def _ours(word: str, words: Collection[str]) -> str:
    if word == "val":
        return "dev" if "test" in words else "test"
    return word


def subsets_note(what: str, subsets: dict[str, str]) -> str:
    """Return one line that says what was made of a split that somebody else drew.

    Args:
        what: what named the sides, such as `the folders 'train' and 'val'`.
        subsets: as `our_subsets` returned them.
    """
    if subsets.get("val") == "dev":
        return f"{what} are the split: val is dev, so that dev_share is not used"
    if subsets.get("val") == "test":
        return f"{what} are the split: val is what is tested on, dev is taken from train"
    return f"{what} are the split"
