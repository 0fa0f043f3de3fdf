"""The table of admission: each check's words, or the first that a network does not pass."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from vcc.errors import ModelError, one_line
from vcc.models.network import VideoNetwork
from vcc.models.spec import arch_name
from vcc.pipeline.admission.checks import (
    check_exported,
    check_forward,
    check_rebuilt,
    check_size,
    shaken,
)
from vcc.pipeline.admission.reductions import check_folded, check_quantized, check_thinned

Check = Callable[[VideoNetwork], str]

# What a network must pass.
NEEDED: tuple[tuple[str, Check], ...] = (
    ("runs", check_forward),
    ("size", check_size),
    ("saved and rebuilt", check_rebuilt),
    ("exported", check_exported),
)
# What is left out of it where it fails, in words.
TRIED: tuple[tuple[str, Check], ...] = (
    ("folded", check_folded),
    ("half thinned", check_thinned),
    ("8 bits", check_quantized),
)


def admission(network: VideoNetwork) -> Iterator[tuple[str, str]]:
    """Yield (check, what came of it), one after the other; the network stays as it is.

    Args:
        network: on the CPU, of the clip size that it is meant for.

    Raises:
        ModelError: it cannot be trained, saved or exported here; the message names the check.
    """
    twin = shaken(network)
    yield "head", twin.head_name
    for name, check in NEEDED:
        with _quiet():
            try:
                words = check(twin)
            except ModelError as error:
                msg = f"{arch_name(network.spec)} is not admitted: {name}: {error}"
                raise ModelError(msg) from error
        yield name, words
    for name, check in TRIED:
        with _quiet():
            words = _tried(check, twin)
        yield name, words


# By spec: the folds of a cross-validation and the repeats of a study train the same network.
_admitted: dict[str, str] = {}


def admission_text(network: VideoNetwork) -> str:
    """Return the table as lines of two columns; of networks alike the first goes through it.

    Raises:
        ModelError: as `admission`.
    """
    key = json.dumps(network.spec.as_dict(), sort_keys=True)
    if key not in _admitted:
        _admitted[key] = "".join(f"{name:20}{words}\n" for name, words in admission(network))
    return _admitted[key]


def _tried(check: Check, network: VideoNetwork) -> str:
    try:
        return check(network)
    except Exception as error:  # noqa: BLE001 - whatever a network raises, it is only not made smaller
        return f"not possible: {one_line(error, at_most=200)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the steps' own lines back, which the table sums up, and random numbers as they were."""
    logger = logging.getLogger("vcc.compression")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        logger.setLevel(level)
