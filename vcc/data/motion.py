"""Built-in data: videos whose classes differ by motion alone.

A textured disc moves over a textured background. Position, angle and radius have the same
distribution in every single frame of every class (start drawn uniformly, movement that keeps it
uniform: steps around a torus, turns, a radius that runs round its range), and appearance is drawn
without looking at the class. So one frame says nothing about the class, and a network that scores
above chance has used time. Files, folders and groups follow UCF101: 25 groups, test = groups 1-7.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import joblib
import numpy as np
from numpy.typing import NDArray

from vcc.data.clips.resizing import Frame
from vcc.data.side_by_side import side_by_side

logger = logging.getLogger(__name__)

# The first n are used, pairs of opposites together, so that n classes are never told apart by
# whether something moves at all.
MOTIONS = (
    "right",
    "left",
    "down",
    "up",
    "clockwise",
    "counterclockwise",
    "grow",
    "shrink",
    "orbit_clockwise",
    "orbit_counterclockwise",
)
FPS = 25.0
# Groups of each class, as in UCF101; the first of them are test.
N_GROUPS, N_TEST_GROUPS = 25, 7
# Hidden: it is no video, and nothing is to be said about it.
_MARKER = ".motion.json"


@dataclass(frozen=True, kw_only=True)
class MotionSettings:
    """Everything that the pixels depend on."""

    n_classes: int
    clips_per_group: int
    n_groups: int
    n_frames: int
    width: int
    height: int
    difficulty: float
    seed: int
    opacity: float = 1.0
    version: int = 1


@dataclass(frozen=True)
class DiscPath:
    """The disc over time: centre in pixels (on the torus), angle in degrees, radius in pixels."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    angle: NDArray[np.float64]
    radius: NDArray[np.float64]


def generate_motion_videos(  # noqa: PLR0913 - one keyword per setting of the pixels
    output: Path,
    *,
    n_classes: int = 6,
    clips_per_group: int = 3,
    n_groups: int = N_GROUPS,
    n_frames: int = 24,
    width: int = 96,
    height: int = 72,
    difficulty: float = 0.2,
    opacity: float = 1.0,
    seed: int = 1,
    n_jobs: int = 1,
) -> Path:
    """Write the motion videos `CLASS/v_CLASS_gGG_cCC.avi` below a folder and return it.

    Does nothing where they are there already with the same settings; others are replaced.

    Args:
        output: folder to write to.
        n_classes: 2 to 10.
        clips_per_group: videos per class and group.
        n_groups: groups per class; 1 to 7 are test.
        n_frames: frames per video.
        width: of a frame, pixels.
        height: of a frame, pixels.
        difficulty: 0 (large, clear, fast discs) to 1 (small, faint, slow ones in noise).
        opacity: of the faintest disc, above 0 to 1. Each video has its own, opacity^(u^8) with u
            uniform: four in five are clear, and the last tenth goes from opacity^0.43 to opacity
            itself, so that some can hardly be told, however long a network is trained.
        seed: the same seed gives the same pixels.
        n_jobs: processes; 0 for all cores.
    """
    settings = MotionSettings(
        n_classes=n_classes,
        clips_per_group=clips_per_group,
        n_groups=n_groups,
        n_frames=n_frames,
        width=width,
        height=height,
        difficulty=difficulty,
        opacity=opacity,
        seed=seed,
    )
    marker = output / _MARKER
    wanted = json.dumps(asdict(settings), sort_keys=True) + "\n"
    if marker.is_file() and marker.read_text("utf-8") == wanted:
        return output
    marker.unlink(missing_ok=True)
    for name in MOTIONS:
        shutil.rmtree(output / name, ignore_errors=True)
    for name in MOTIONS[:n_classes]:
        (output / name).mkdir(parents=True)
    logger.info("writing %d motion videos to %s", n_classes * n_groups * clips_per_group, output)
    calls = (
        joblib.delayed(_write_class_group)(settings, output, label, group)
        for label in range(n_classes)
        for group in range(1, n_groups + 1)
    )
    for _ in side_by_side(calls, n_jobs=n_jobs or -1):
        pass
    marker.write_text(wanted, "utf-8")
    return output


def _write_class_group(settings: MotionSettings, output: Path, label: int, group: int) -> None:
    name = MOTIONS[label]
    for clip in range(1, settings.clips_per_group + 1):
        path = output / name / f"v_{name}_g{group:02d}_c{clip:02d}.avi"
        write_video(path, motion_frames(settings, label, group, clip))


def write_video(path: Path, frames: Sequence[Frame]) -> None:
    """Write frames uint8 [H, W, 3] in BGR as Motion-JPEG, complete or not at all."""
    partial = path.with_name(f".partial-{path.name}")
    size = (frames[0].shape[1], frames[0].shape[0])
    writer = cv2.VideoWriter(str(partial), cv2.VideoWriter.fourcc(*"MJPG"), FPS, size)
    for frame in frames:
        writer.write(frame)
    writer.release()
    partial.replace(path)


def motion_frames(settings: MotionSettings, label: int, group: int, clip: int) -> list[Frame]:
    """Return the frames of one video in BGR; only the movement depends on the label's meaning."""
    rng = np.random.default_rng((settings.seed, label, group, clip))
    path = disc_path(MOTIONS[label], settings, rng)
    height, width = settings.height, settings.width
    background = _texture(rng, height, width, contrast=45.0)
    side = 2 * int(np.ceil(height * 0.36)) + 1  # fits the largest disc
    texture = _texture(rng, side, side, contrast=45.0 + 45.0 * (1 - settings.difficulty))
    texture = _marked(texture, rng)
    # A window of one plane of noise, elsewhere in every frame, is as good as new noise and cheaper.
    noise = rng.standard_normal((2 * height, 2 * width, 1), dtype=np.float32)
    noise *= np.float32(2.0 + 18.0 * settings.difficulty)
    opacity = disc_opacity(settings, label, group, clip)
    frames: list[Frame] = []
    for t in range(settings.n_frames):
        image = background.copy()
        _draw_disc(image, texture, path, t, opacity)
        top, left = rng.integers(height), rng.integers(width)
        image += noise[top : top + height, left : left + width]
        frames.append(np.clip(image, 0, 255).astype(np.uint8))
    return frames


def disc_opacity(settings: MotionSettings, label: int, group: int, clip: int) -> float:
    """Return how clearly one video's disc is seen: opacity^(u^8), u uniform, as `opacity` says."""
    # A generator of its own: an opacity of 1 leaves every other draw as it is.
    own = np.random.default_rng((settings.seed, label, group, clip, 1)).uniform()
    return float(settings.opacity ** (own**8))


def disc_path(motion: str, settings: MotionSettings, rng: np.random.Generator) -> DiscPath:
    """Return how the disc moves; every frame's position, angle and radius are uniform.

    The draws are the same for all motions, so that nothing but the movement differs.
    """
    height, width, ease = settings.height, settings.width, 1 - settings.difficulty
    x0, y0, angle0, phase, rate = rng.uniform(size=5)
    time = np.arange(settings.n_frames)
    still = np.zeros(settings.n_frames)
    speed = height * (0.015 + 0.03 * ease) * (0.8 + 0.4 * rate)
    turn = (4.0 + 10.0 * ease) * (0.8 + 0.4 * rate) * time
    swell = (0.01 + 0.03 * ease) * (0.8 + 0.4 * rate) * time
    orbit = 2 * np.pi * (phase + turn / 360.0 * (1 if motion == "orbit_clockwise" else -1))
    reach = 0.25 * height if motion.startswith("orbit") else 0.0
    steps = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}
    step_x, step_y = steps.get(motion, (0, 0))
    spin = {"clockwise": -turn, "counterclockwise": turn}.get(motion, still)
    growth = {"grow": swell, "shrink": -swell}.get(motion, still)
    smallest, largest = height * (0.16 + 0.06 * ease), height * (0.26 + 0.08 * ease)
    return DiscPath(
        x=(x0 * width + step_x * speed * time + reach * np.cos(orbit)) % width,
        y=(y0 * height + step_y * speed * time + reach * np.sin(orbit)) % height,
        angle=360.0 * angle0 + spin,
        radius=smallest + (largest - smallest) * ((phase + growth) % 1.0),
    )


def _texture(
    rng: np.random.Generator, height: int, width: int, *, contrast: float
) -> NDArray[np.float32]:
    """Return smooth coloured noise [H, W, 3] around a random colour."""
    scale = rng.uniform(3.0, 9.0)
    small = rng.normal(size=(int(height / scale) + 2, int(width / scale) + 2, 3))
    field = cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    colour = rng.uniform(70.0, 185.0, 3).astype(np.float32)
    return (colour + np.float32(contrast) * field).astype(np.float32)


def _marked(texture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the disc's texture with a light and a dark sector, so that turning can be seen."""
    side = texture.shape[0]
    light, dark = (230.0, 230.0, 230.0), (25.0, 25.0, 25.0)
    centre, axes = (side // 2, side // 2), (side, side)
    start = float(rng.uniform(0, 360))
    cv2.ellipse(texture, centre, axes, start, 0, 75, light, cv2.FILLED)
    cv2.ellipse(texture, centre, axes, start, 180, 255, dark, cv2.FILLED)
    return texture


def _draw_disc(
    image: NDArray[np.float32],
    texture: NDArray[np.float32],
    path: DiscPath,
    t: int,
    opacity: float,
) -> None:
    """Draw frame t's disc, with its parts that leave the frame coming in at the other side."""
    side = texture.shape[0]
    half = side // 2
    left, top = int(path.x[t]) - half, int(path.y[t]) - half
    x, y = path.x[t] - left, path.y[t] - top
    turn = cv2.getRotationMatrix2D((half, half), path.angle[t], 1.0)
    turn[:, 2] += (x - half, y - half)
    patch = cv2.warpAffine(texture, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((side, side), np.uint8)
    centre = (round(x * 16), round(y * 16))
    cv2.circle(mask, centre, round(path.radius[t] * 16), 1, cv2.FILLED, cv2.LINE_8, 4)
    rows, columns = mask.nonzero()
    to_rows, to_columns = (rows + top) % image.shape[0], (columns + left) % image.shape[1]
    behind = np.float32(1 - opacity) * image[to_rows, to_columns]
    image[to_rows, to_columns] = behind + np.float32(opacity) * patch[rows, columns]
