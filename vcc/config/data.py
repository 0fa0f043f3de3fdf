"""Options of the data area: how videos become a frame store, and how a frame store becomes clips.

The names and defaults of `ClipOptions` are the thesis's, so that its command lines keep working;
only `train_crop` differs (the thesis trained UCF101 with a plain random crop).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from vcc.config.options import LARGEST_SEED, Options, option

STORES = ("auto", "packed", "raw", "jpg")
CLASS_FOLDERS = ("auto", "outer", "inner")
ON_DUPLICATES = ("report", "drop", "error")
CROP_POSITIONS = ("c", "tl", "tr", "bl", "br")
# How test videos are changed to see what a network bears; `vcc.data.store.perturbed` does it.
PERTURBATIONS = (
    "one_frame", "half_rate", "jpeg30", "brighter", "darker", "lost_frames", "mirrored",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrepareOptions(Options):
    """What to prepare, from where, into what."""

    videos: Path | None = option(
        None,
        "folder of videos, one folder per class; default: the built-in motion data",
        is_input=True,
    )
    annotation: Path | None = option(
        None,
        "JSON file, list file or folder of official lists; default: split by the groups in names",
        is_input=True,
    )
    classes: str | None = option(
        None, "only these classes: A,B,C or a file with a name per line; default: all"
    )
    class_folders: str = option(
        "auto",
        "which folders are the classes in SESSION/CLASS/VIDEO; auto: by their names",
        choices=CLASS_FOLDERS,
    )
    on_duplicates: str = option(
        "report",
        "equal files: report them and leaks across the split, drop all but the first, or error",
        choices=ON_DUPLICATES,
    )
    split: int = option(
        1, "official split to use where lists or group names know several", at_least=1, at_most=3
    )
    root_path: Path = option(Path("data"), "folder that holds all prepared data sets")
    dataset: str | None = option(
        None, "name of the data set; default: the video folder's name, or 'motion'"
    )
    output: Path | None = option(
        None, "folder of this prepared data set; default: root_path/dataset"
    )
    short_side: int = option(
        128, "shorter side of stored frames, pixels; frames are never enlarged", at_least=16
    )
    store: str = option(
        "auto", "frame store: packed (JPEG), raw (fast, large), jpg (the thesis's)", choices=STORES
    )
    raw_limit_gib: float = option(
        4.0,
        "store=auto takes raw up to this size, GiB, and at most a quarter of the free disk",
        at_least=0.0,
    )
    jpeg_quality: int = option(
        90, "JPEG quality of store=packed and store=jpg", at_least=1, at_most=100
    )
    max_bad_share: float = option(
        0.05, "more than this share of bad files is an error", at_least=0.0, at_most=1.0
    )
    min_decoded_share: float = option(
        0.5,
        "a cut or damaged video is used if at least this share of it came",
        at_least=0.0,
        at_most=1.0,
    )
    fps: float = option(
        0.0,
        "resample videos to this many frames per second by their time stamps; 0: keep all frames",
        at_least=0.0,
        at_most=240.0,
    )
    verify: bool = option(False, "only check an existing store against its manifest's checksums")
    dev_share: float = option(
        0.1, "share of training set aside as dev, by whole groups", at_least=0.0, at_most=0.5
    )
    test_share: float = option(
        0.3, "share of test videos where nothing else says the split", above=0.0, at_most=0.9
    )
    direction_sensitive: bool = option(
        False, "labels change when mirrored (left/right): training never flips horizontally"
    )
    n_jobs: int = option(0, "processes; 0: all cores", at_least=0)
    dask_scheduler: str | None = option(
        None, "Dask scheduler's address (tcp://host:8786), or 'local'; default: processes here"
    )
    manual_seed: int = option(
        1, "seed of the built-in data and of seeded splits", at_least=0, at_most=LARGEST_SEED
    )
    motion_classes: int = option(6, "built-in data: classes", at_least=2, at_most=10)
    motion_clips: int = option(3, "built-in data: videos per class and group", at_least=1)
    motion_frames: int = option(24, "built-in data: frames per video", at_least=2)
    motion_width: int = option(96, "built-in data: frame width, pixels", at_least=32)
    motion_height: int = option(72, "built-in data: frame height, pixels", at_least=32)
    motion_difficulty: float = option(
        0.2, "built-in data: 0 (easy) to 1 (slow small discs, noise)", at_least=0.0, at_most=1.0
    )
    motion_opacity: float = option(
        1.0, "built-in data: opacity of the faintest disc; others up to 1", above=0.0, at_most=1.0
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipOptions(Options):
    """How clips are sampled, augmented, normalised and batched."""

    sample_size: int = option(112, "height and width of a clip, pixels", at_least=8)
    sample_duration: int = option(16, "frames in a clip", at_least=1)
    downsample: int = option(1, "take every n-th frame", at_least=1)
    initial_scale: float = option(
        1.0, "largest multi-scale crop, share of the short side", above=0.0, at_most=1.0
    )
    n_scales: int = option(5, "number of multi-scale crop sizes", at_least=1)
    scale_step: float = option(
        0.84089641525, "ratio of one crop size to the next larger", above=0.0, at_most=1.0
    )
    train_crop: str = option(
        "random",
        "training crop; corner and multiscale_random use the scales",
        choices=("random", "corner", "multiscale_random", "center"),
    )
    no_hflip: bool = option(False, "never flip training clips horizontally")
    rotation: float = option(
        0.0, "training: rotate up to this many degrees (about 3 ms a clip)", at_least=0.0
    )
    brightness: float = option(
        0.0, "training: change brightness by up to this share", at_least=0.0, at_most=1.0
    )
    contrast: float = option(
        0.0, "training: change contrast by up to this share", at_least=0.0, at_most=1.0
    )
    saturation: float = option(
        0.0, "training: change saturation by up to this share", at_least=0.0, at_most=1.0
    )
    hue: float = option(
        0.0, "training: turn the hue by up to this share (11 ms a clip)", at_least=0.0, at_most=0.5
    )
    random_erasing: float = option(
        0.0, "training: probability of erasing a rectangle", at_least=0.0, at_most=1.0
    )
    mean_dataset: str | None = option(
        None,
        "whose pixel mean and std; published: those of torchvision's weights; default: published "
        "for torchvision: networks, else activitynet",
        choices=("activitynet", "kinetics", "data", "published"),
    )
    no_mean_norm: bool = option(False, "do not subtract the mean")
    std_norm: bool = option(False, "divide by the standard deviation")
    norm_value: int = option(1, "divide pixels by this: 1 (range 0..255) or 255", choices=(1, 255))
    batch_size: int = option(128, "training clips per batch", at_least=1)
    n_threads: int = option(
        16, "loader worker processes, at most the machine's cores; 0: in this process", at_least=0
    )
    n_val_samples: int = option(
        3, "clips per video in dev validation during training; 0: all", at_least=0
    )
    scale_in_test: float = option(
        1.0, "evaluation crop, share of the short side", above=0.0, at_most=1.0
    )
    crop_position_in_test: str = option("c", "evaluation crop position", choices=CROP_POSITIONS)
    manual_seed: int = option(
        1, "seed of sampling and augmentation", at_least=0, at_most=LARGEST_SEED
    )
