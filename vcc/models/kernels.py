"""Kernels of convolutions that were cut in time, and the padding that this asks for.

Tap j of a kernel of k taps reads position t * stride + j * dilation - before. With the taps before
`start` gone, the same positions are read with start * dilation less padding in front, and what
the taps from `end` on read behind is not needed either. The two sides may differ then, and may
be negative (frames that no tap reads are cropped); PyTorch's convolutions pad both alike. A
`padding_mode` other than zeros makes them pad by `torch.nn.functional.pad` first, which takes each
side by itself: "constant" fills with zeros. So a cut convolution stays a plain `nn.Conv3d`, which
tracing, quantizers and the ONNX exporter know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.nn.modules.conv import _ConvNd

Sides = Sequence[tuple[int, int]]


def padding_sides(conv: _ConvNd) -> list[tuple[int, int]]:
    """Return the padding before and after, per dimension of the kernel; negative ones crop.

    Raises:
        ValueError: the padding is a word, or not with zeros.
    """
    mode: str = conv.padding_mode
    if mode == "constant":
        flat = conv._reversed_padding_repeated_twice
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return [(int(before), int(after)) for before, after in pairs][::-1]
    if isinstance(conv.padding, str) or mode != "zeros":
        msg = f"padding {conv.padding!r} ({mode}) has no fixed number of zeros"
        raise ValueError(msg)
    return [(int(side), int(side)) for side in conv.padding]


def set_padding(conv: _ConvNd, sides: Sides) -> None:
    """Give a convolution zeros before and after, per dimension of the kernel."""
    symmetric = all(before == after >= 0 for before, after in sides)
    # a mode of `pad` that the annotation leaves out, as convolutions have it only by this
    conv.padding_mode = "zeros" if symmetric else "constant"  # type: ignore[assignment]
    conv.padding = tuple(max(0, *pair) for pair in sides)
    conv._reversed_padding_repeated_twice = [side for pair in reversed(sides) for side in pair]


def can_shrink(conv: _ConvNd) -> bool:
    """Return whether a convolution's kernel can be cut."""
    mode: str = conv.padding_mode
    fixed = mode in ("zeros", "constant") and not isinstance(conv.padding, str)
    return fixed and not conv.transposed


def shrink_kernel(conv: _ConvNd, start: int, end: int) -> None:
    """Make a convolution's attributes those of the taps start..end-1 of its first dimension.

    The weight is cut elsewhere. Outputs keep their number and, if the other taps were zero, their
    values.
    """
    sides = padding_sides(conv)
    step = int(conv.dilation[0])
    before, after = sides[0]
    sides[0] = before - start * step, after - (int(conv.kernel_size[0]) - end) * step
    conv.kernel_size = (end - start, *conv.kernel_size[1:])
    set_padding(conv, sides)


def describe_kernel(conv: _ConvNd) -> dict[str, Any]:
    """Return kernel size and padding as JSON types; nothing for a kernel that cannot be cut."""
    if not can_shrink(conv):
        return {}
    sides = [list(pair) for pair in padding_sides(conv)]
    return {"kernel_size": list(conv.kernel_size), "padding": sides}


def set_kernel(conv: _ConvNd, size: Any, sides: Any) -> None:
    """Give a convolution as it was built a described kernel.

    Raises:
        ValueError: not of the form that `describe_kernel` gives, or larger than it was built.
    """
    built = [int(length) for length in conv.kernel_size]
    if not _are_whole(size, len(built)) or not all(
        1 <= length <= most for length, most in zip(size, built, strict=True)
    ):
        msg = f"kernel_size {size!r} is not {len(built)} whole numbers of at most {built}"
        raise ValueError(msg)
    reach = max(abs(side) for pair in padding_sides(conv) for side in pair) + max(
        length * int(step) for length, step in zip(built, conv.dilation, strict=True)
    )
    if (
        not isinstance(sides, list)
        or len(sides) != len(built)
        or not all(_are_whole(pair, 2) and max(map(abs, pair)) <= reach for pair in sides)
    ):
        msg = f"padding {sides!r} is not {len(built)} pairs of whole numbers of at most {reach}"
        raise ValueError(msg)
    conv.kernel_size = tuple(size)
    set_padding(conv, [(pair[0], pair[1]) for pair in sides])


def triple(values: Sequence[int]) -> tuple[int, int, int]:
    """Return a figure of each of three dimensions, such as a kernel's size, as its type says."""
    first, second, third = (int(value) for value in values)
    return first, second, third


def _are_whole(values: Any, count: int) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values)
