"""The figure of a video's scores over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from vcc.evaluation.plots.style import COLOURS, new_figure, shortened


def timeline_figure(
    bounds: Sequence[float],
    labels: Sequence[str],
    scores: npt.NDArray[np.float32],
    *,
    title: str,
    most: int = 5,
) -> Figure:
    """Return the scores of the classes that are highest anywhere, as steps over time.

    Args:
        bounds: N + 1 times in seconds: where each clip begins, and where the last one ends.
        labels: C class names.
        scores: [N, C], 0..1.
        title: the video's name.
        most: classes that are drawn; at most as many as there are colours.
    """
    figure, axes = new_figure(8.4, 3.6)
    highest = np.argsort(-scores.max(axis=0), kind="stable")[:most]
    for number, index in enumerate(highest):
        values = scores[:, index]
        axes.step(
            bounds,
            100 * np.append(values, values[-1]),
            where="post",
            color=COLOURS[number],
            label=shortened(labels[index]),
        )
    axes.set_xlim(bounds[0], bounds[-1])
    axes.set_ylim(0, 101)
    axes.set_xlabel("time, s")
    axes.set_ylabel("score of the clip, %")
    axes.set_title(shortened(title, 70), fontsize=9)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure
