"""Building networks without memory: shapes only, no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_FILLERS = {"normal_", "uniform_", "fill_", "zero_"}


class _SkipFilling(TorchFunctionMode):
    """Leave new tensors as they are.

    Initialising tensors without data does nothing, but takes PyTorch through its compiler, whose
    first import costs seconds.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        is_init = getattr(func, "__module__", None) == "torch.nn.init"
        if is_init or getattr(func, "__name__", None) in _FILLERS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextmanager
def blueprint() -> Iterator[None]:
    """Make every network built inside one of shapes only, on PyTorch's meta device."""
    with torch.device("meta"), _SkipFilling():
        yield
