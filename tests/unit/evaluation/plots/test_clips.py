"""The figure of a clip sensitivity."""

from __future__ import annotations

from vcc.evaluation.plots.clips import ClipPoint, clip_sensitivity_figure


def point(frames: int, size: int, macs: float, top1: float) -> ClipPoint:
    return ClipPoint(
        frames=frames, stride=1, size=size, macs=macs * 1e6, macs_per_video=macs * 2e6, top1=top1
    )


def test_a_line_joins_the_clips_of_a_size_by_their_frames() -> None:
    points = [point(8, 40, 8, 0.9), point(4, 40, 4, 0.8), point(8, 20, 2, 0.7)]
    figure = clip_sensitivity_figure(points, chosen=1, max_drop=0.05, title="test")
    of_clip, of_video = figure.axes
    lines = {str(line.get_label()): line for line in of_clip.lines}
    assert list(lines["40 pixels, stride 1"].get_xdata()) == [4.0, 8.0]
    assert list(lines["20 pixels, stride 1"].get_ydata()) == [70.0]
    assert list(lines["own clip"].get_ydata()) == [90.0]
    assert list(lines["cheapest by the video within that"].get_xdata()) == [4.0]
    assert list(lines["5 points lost"].get_ydata()) == [85.0, 85.0]
    # Twice the cost on the right; each point is named by its frames.
    assert list(of_video.lines[1].get_xdata()) == [8.0, 16.0]
    assert [text.get_text() for text in of_clip.texts] == ["4", "8", "8"]
