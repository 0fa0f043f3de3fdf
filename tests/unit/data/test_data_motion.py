"""The built-in data: its layout, its determinism, and that one frame does not tell the class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from data_videos import tree_bytes
from decoded import read_video
from torch import nn

from vcc.config.data import PrepareOptions
from vcc.data.motion import (
    MOTIONS,
    MotionSettings,
    disc_opacity,
    disc_path,
    generate_motion_videos,
    motion_frames,
)
from vcc.data.prepare.discovery import find_videos
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset


def settings(**changes: object) -> MotionSettings:
    values: dict[str, object] = {
        "n_classes": 6,
        "clips_per_group": 1,
        "n_groups": 25,
        "n_frames": 12,
        "width": 96,
        "height": 72,
        "difficulty": 0.2,
        "seed": 1,
    }
    return MotionSettings(**{**values, **changes})  # type: ignore[arg-type]


def small(output: Path, **changes: object) -> Path:
    values: dict[str, object] = {"n_classes": 2, "clips_per_group": 1, "n_groups": 2, "n_frames": 3}
    return generate_motion_videos(output, **{**values, **changes})  # type: ignore[arg-type]


def test_layout_is_that_of_ucf101(tmp_path: Path) -> None:
    assert small(tmp_path / "v") == tmp_path / "v"
    names = [str(p.relative_to(tmp_path / "v")) for p in sorted((tmp_path / "v").rglob("*.avi"))]
    assert names == [
        "left/v_left_g01_c01.avi",
        "left/v_left_g02_c01.avi",
        "right/v_right_g01_c01.avi",
        "right/v_right_g02_c01.avi",
    ]
    assert read_video(tmp_path / "v" / names[0], 128).shape == (3, 72, 96, 3)


def test_there_is_nothing_that_prepare_would_not_read(tmp_path: Path) -> None:
    assert not find_videos(small(tmp_path / "v")).notes()


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    first = tree_bytes(small(tmp_path / "a"))
    assert tree_bytes(small(tmp_path / "b", n_jobs=2)) == first
    assert tree_bytes(small(tmp_path / "c", seed=2)) != first


def test_generating_again_does_nothing_and_other_settings_replace(tmp_path: Path) -> None:
    small(tmp_path, n_groups=3)
    video = tmp_path / "left" / "v_left_g03_c01.avi"
    before = video.stat().st_mtime_ns
    small(tmp_path, n_groups=3)
    assert video.stat().st_mtime_ns == before
    small(tmp_path)
    assert not video.exists()
    assert (tmp_path / "left" / "v_left_g02_c01.avi").exists()


def test_directions() -> None:
    time = np.arange(12)
    paths = {m: disc_path(m, settings(), np.random.default_rng(4)) for m in MOTIONS}
    wide, high = 96.0, 72.0
    step = (paths["right"].x[1] - paths["right"].x[0]) % wide
    assert 1.0 < step < 5.0
    assert np.allclose(paths["right"].x, (paths["right"].x[0] + step * time) % wide)
    assert np.allclose((paths["left"].x[0] - paths["left"].x[1]) % wide, step)
    assert np.allclose((paths["down"].y[1] - paths["down"].y[0]) % high, step)
    assert np.allclose((paths["up"].y[0] - paths["up"].y[1]) % high, step)
    assert (np.diff(paths["counterclockwise"].angle) > 3).all()
    assert (np.diff(paths["clockwise"].angle) < -3).all()
    still = paths["clockwise"]
    assert np.ptp(still.x) == np.ptp(still.y) == np.ptp(still.radius) == 0
    assert np.median(np.diff(paths["grow"].radius)) > 0 > np.median(np.diff(paths["shrink"].radius))


def test_every_frame_has_the_same_distribution_in_all_classes() -> None:
    # Quartiles of position, angle and radius over many videos, first and last frame.
    for motion in MOTIONS:
        paths = [disc_path(motion, settings(), np.random.default_rng((7, i))) for i in range(2000)]
        for t in (0, 11):
            x = np.array([p.x[t] for p in paths]) / 96
            y = np.array([p.y[t] for p in paths]) / 72
            angle = np.array([p.angle[t] for p in paths]) % 360 / 360
            low, high = 72 * (0.16 + 0.06 * 0.8), 72 * (0.26 + 0.08 * 0.8)
            radius = (np.array([p.radius[t] for p in paths]) - low) / (high - low)
            for values in (x, y, angle, radius):
                quartiles = np.quantile(values, [0.25, 0.5, 0.75])
                # Three standard errors of a median of 2000 uniform draws.
                assert np.abs(quartiles - [0.25, 0.5, 0.75]).max() < 0.034, (motion, t)


def test_a_disc_that_leaves_comes_in_at_the_other_side() -> None:
    frames = [motion_frames(settings(difficulty=0.0, n_frames=40), label, 1, 1) for label in (0, 2)]
    for video in frames:
        assert {frame.shape for frame in video} == {(72, 96, 3)}
        # Every frame differs from the one before by as much: the disc is never away.
        steps = [np.abs(a.astype(int) - b).mean() for a, b in zip(video, video[1:], strict=False)]
        assert min(steps) > 0.3 * max(steps)


def test_opacity_spreads_the_videos_from_clear_to_faint() -> None:
    faint = settings(opacity=0.01)
    own = np.array([disc_opacity(faint, 0, group, c) for group in range(20) for c in range(20)])
    assert own.max() <= 1.0
    # 0.01^(u^8): four fifths are above 0.46, a tenth below 0.14; three standard errors of 400.
    assert abs((own > 0.462).mean() - 0.8) < 0.06
    assert abs((own < 0.138).mean() - 0.1) < 0.045


def test_a_faint_disc_is_mixed_with_what_is_behind_it() -> None:
    clip = min(range(30), key=lambda c: disc_opacity(settings(opacity=0.01), 0, 1, c))
    unseen, faint, clear = (
        np.stack(motion_frames(settings(opacity=o, n_frames=2), 0, 1, clip)).astype(int)
        for o in (1e-9, 0.01, 1.0)
    )
    assert 0 < np.abs(faint - unseen).mean() < 0.1 * np.abs(clear - unseen).mean()


def test_an_opacity_of_one_is_the_default() -> None:
    given, default = (motion_frames(settings(**kept), 1, 2, 3) for kept in ({"opacity": 1.0}, {}))
    assert np.array_equal(given, default)


class Net(nn.Sequential):
    """A small 2-D network over `channels` input channels."""

    def __init__(self, channels: int) -> None:
        blocks: list[nn.Module] = []
        for width in (16, 32, 48):
            blocks.append(nn.Conv2d(channels, width, 3, stride=2, padding=1))
            blocks += [nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        super().__init__(*blocks, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * 48, 6))


def accuracy(train: tuple[torch.Tensor, ...], test: tuple[torch.Tensor, ...]) -> float:
    """Train on (inputs, labels) and return the share of test inputs that are classified right."""
    torch.set_num_threads(1)  # two threads wait for each other where cores are shared
    torch.manual_seed(0)
    net = Net(train[0].shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    for _ in range(6):
        for rows in torch.randperm(len(train[0])).split(48):
            loss = nn.functional.cross_entropy(net(train[0][rows]), train[1][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        return (net(test[0]).argmax(1) == test[1]).float().mean().item()


@pytest.fixture(scope="module")
def frames() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Eight frames of videos of groups 1 to 25 [N, 8, 3, 36, 48], labels, and groups."""
    clips, labels, groups = [], [], []
    chosen = settings(n_frames=8)
    for label in range(6):
        for group in range(1, 26):
            for clip in (1, 2, 3):
                video = np.stack(motion_frames(chosen, label, group, clip))
                clips.append(torch.from_numpy(video[:, ::2, ::2]).permute(0, 3, 1, 2))
                labels.append(label)
                groups.append(group)
    stacked = torch.stack(clips).float().sub(128).div(64)
    return stacked, torch.tensor(labels), torch.tensor(groups)


@pytest.mark.slow
def test_one_frame_does_not_tell_the_class(
    frames: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    clips, labels, groups = frames
    test = groups <= 7
    single = [clips[:, t] for t in (0, 2, 4, 6)]
    lone = accuracy(
        (torch.cat([s[~test] for s in single]), labels[~test].repeat(4)),
        (torch.cat([s[test] for s in single]), labels[test].repeat(4)),
    )
    # Chance is 1/6; 126 test videos give it a standard deviation of 0.033.
    assert lone < 0.28
    # The same network sees the class in two frames, so it was no lack of training.
    double = [torch.cat([clips[:, t], clips[:, t] - clips[:, t + 1]], 1) for t in (0, 2, 4, 6)]
    pair = accuracy(
        (torch.cat([s[~test] for s in double]), labels[~test].repeat(4)),
        (torch.cat([s[test] for s in double]), labels[test].repeat(4)),
    )
    assert pair > 0.6


def test_prepare_makes_the_motion_data(tmp_path: Path) -> None:
    options = PrepareOptions(
        root_path=tmp_path, motion_classes=2, motion_clips=1, motion_frames=3, n_jobs=1
    )
    report = prepare(options)
    assert (report.name, report.videos, report.test) == ("motion", 50, 14)
    dataset = PreparedDataset.open(tmp_path / "motion")
    assert dataset.direction_sensitive
    assert dataset.labels == ("left", "right")
    assert (dataset.split, dataset.manifest.store) == ("split1", "raw")
    again = prepare(options)
    assert (again.digest, again.reused) == (report.digest, 50)
