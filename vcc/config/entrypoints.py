"""Configuration of each entry point: the concerns of its steps, joined.

MLproject declares the same options with the same defaults: `python -m vcc.config.mlproject` writes
it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from vcc.config.compression import ClipChoice, CompressionOptions
from vcc.config.data import PERTURBATIONS, ClipOptions, PrepareOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.export import BUNDLE_KINDS, PROVIDERS, ExportOptions
from vcc.config.model import ModelOptions
from vcc.config.networks.arguments import TrustOptions
from vcc.config.options import LARGEST_SEED, Options, option
from vcc.config.search import SearchOptions
from vcc.config.serving import MOST_CLIPS, ServingOptions
from vcc.config.tracking import SourceOptions, TrackingOptions
from vcc.config.training import FinetuneOptions, ResumeOptions, TrainingOptions
from vcc.errors import ConfigError

# A tag of a run on older servers, see `vcc.tracking.runs`.
_LONGEST_REASON = 4000


@dataclass(frozen=True, kw_only=True)
class PrepareEntry(PrepareOptions, TrackingOptions):
    """Turn labelled videos into a frame store with splits."""


@dataclass(frozen=True, kw_only=True)
class TrainEntry(
    TrainingOptions, ResumeOptions, FinetuneOptions, ModelOptions, ClipOptions, TrackingOptions
):
    """Train a network on prepared data and register it as the baseline."""

    root_path: Path = option(Path("data"), "folder that prepared data sets lie in")
    dataset: str | None = option(None, "name of the prepared data set; default: the newest one")
    test: bool = option(False, "then measure it on the test videos, as evaluate does")
    folds: int | None = option(
        None,
        "cross-validate over this many folds of whole groups, test videos included, and register "
        "nothing; default: train once",
        at_least=2,
    )

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ("results",)


@dataclass(frozen=True, kw_only=True)
class CompressEntry(
    CompressionOptions,
    ClipChoice,
    DistillationOptions,
    ResumeOptions,
    SourceOptions,
    TrackingOptions,
):
    """Compress a registered baseline by a schedule and register the result as challenger."""

    n_epochs: int | None = option(None, "epochs; default: as many as the schedule", at_least=0)
    optimizer: str | None = option(
        None, "update rule; default: the baseline's", choices=("sgd", "adamw")
    )
    learning_rate: float | None = option(
        None, "initial learning rate; default: a quarter of the baseline's", above=0
    )
    batch_size: int | None = option(None, "clips per batch; default: the baseline's", at_least=1)
    manual_seed: int = option(
        1, "seed of sampling and augmentation", at_least=0, at_most=LARGEST_SEED
    )

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ("results",)


@dataclass(frozen=True, kw_only=True)
class EvaluateEntry(SourceOptions, TrackingOptions):
    """Measure clip and video accuracy on the test videos, or of a val.json file."""

    alias: str | None = option(
        None, "registered version to take: baseline, challenger, champion; default: the newest"
    )
    force_split: bool = option(
        False, "evaluate a source trained on another split; its figures stay off the model"
    )
    val_json: Path | None = option(
        None, "score this file of predictions instead of a model", is_input=True
    )
    annotation: Path | None = option(
        None, "the annotation that val_json is scored against", is_input=True
    )
    test_subset: str = option("val", "what val_json holds: val is the test list", choices=("val",))
    no_softmax_in_test: bool = option(
        False, "average the logits of a video's clips, not their softmax"
    )
    robustness: tuple[str, ...] = option(
        (),
        "also score test videos that are changed so, as worse recordings show them",
        choices=("all", *PERTURBATIONS),
    )

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return () if self.val_json else ("results",)


@dataclass(frozen=True, kw_only=True)
class ExportEntry(ExportOptions, ServingOptions, SourceOptions, TrackingOptions):
    """Export a registered network to ONNX, check it, time it, and register the graph."""

    alias: str | None = option(
        None, "registered version to take: baseline, challenger, champion; default: the newest"
    )
    output: Path = option(
        Path("exported"), "folder that the ONNX file, or the bundle, is written to"
    )
    bundle: str | None = option(
        None,
        "also write a folder that runs the network without vcc; default: none",
        choices=BUNDLE_KINDS,
    )
    latency_batches: tuple[int, ...] = option(
        (4, 16), "further batch sizes of the table of runtimes", at_least=1
    )

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ("output",)


@dataclass(frozen=True, kw_only=True)
class PipelineEntry(
    PrepareOptions,
    TrainingOptions,
    ModelOptions,
    ClipOptions,
    CompressionOptions,
    ExportOptions,
    ServingOptions,
    TrackingOptions,
):
    """Run everything: prepare, train, compress, evaluate, export, register.

    The defaults are those of the demonstration: they suit small videos and a CPU.
    """

    short_side: int = option(45, "shorter side of stored frames, pixels", at_least=16)
    motion_difficulty: float = option(
        0.1, "built-in data: 0 (easy) to 1 (slow small discs, noise)", at_least=0.0, at_most=1.0
    )
    sample_size: int = option(40, "height and width of a clip, pixels", at_least=8)
    sample_duration: int = option(8, "frames in a clip", at_least=1)
    mean_dataset: str = option(
        "data", "whose pixel mean and std", choices=("activitynet", "kinetics", "data")
    )
    std_norm: bool = option(True, "divide by the standard deviation")
    batch_size: int = option(16, "training clips per batch", at_least=1)
    n_threads: int = option(0, "loader workers, at most one per core", at_least=0)
    model_depth: int = option(10, "depth of the network", at_least=1)
    width_mult: float = option(
        0.0, "factor on the channels of every layer; 0: 0.75 for resnet, else 1", at_least=0
    )
    n_epochs: int = option(16, "epochs of the dense training", at_least=1)
    optimizer: str = option("adamw", "update rule", choices=("sgd", "adamw"))
    learning_rate: float = option(0.002, "initial (one-cycle: largest) learning rate", above=0)
    lr_scheduler: str = option(
        "onecycle",
        "how the learning rate falls",
        choices=("multistep", "step", "onecycle", "cosine", "plateau", "constant"),
    )
    weight_decay: float = option(0.01, "L2 penalty of the optimizer", at_least=0)
    compress_n_epochs: int | None = option(
        None, "epochs of the compression; default: as many as the schedule", at_least=1
    )
    compress_learning_rate: float | None = option(
        None, "its initial learning rate; default: a quarter of learning_rate", above=0
    )
    compress_sample_size: int | None = option(
        None, "the compressed network's sample_size; default: its schedule's, else that", at_least=8
    )
    compress_sample_duration: int | None = option(
        None, "its sample_duration; default: its schedule's, else that", at_least=1
    )
    compress_downsample: int | None = option(
        None, "its downsample; default: its schedule's, else that", at_least=1
    )
    pass_marks: str = option(
        "auto",
        "fail when figures miss the marks; auto: on built-in data",
        choices=("auto", "on", "off"),
    )
    pass_video_top1: float = option(0.85, "mark: least dense video top-1", at_least=0, at_most=1)
    pass_test_videos: int = option(100, "mark: least number of test videos", at_least=1)
    pass_drop: float = option(
        0.03, "mark: largest loss of video top-1 (0.03 is 3 points)", at_least=0, at_most=1
    )
    pass_speedup: float = option(1.5, "mark: least speed-up at p50", above=0)

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ("results",)

    def network(self) -> ModelOptions:
        """Return which network is built; a ResNet is narrower unless its width was chosen."""
        return self.dense().pick(ModelOptions)

    def dense(self) -> DenseOptions:
        """Return the dense training's share, with the width that is built."""
        width = self.width_mult or (0.75 if self.model == "resnet" else 1.0)
        return dataclasses.replace(self, width_mult=width).pick(DenseOptions)


@dataclass(frozen=True, kw_only=True)
class DenseOptions(TrainingOptions, ModelOptions, ClipOptions):
    """The dense training's share of the pipeline's options."""


@dataclass(frozen=True, kw_only=True)
class SensitivityEntry(SourceOptions, TrackingOptions):
    """Measure how much each layer can be pruned, or clips be reduced, before accuracy falls."""

    group: str = option(
        "element",
        "what is pruned; clip: nothing, the network is shown cheaper clips",
        choices=("element", "filter", "clip"),
    )
    level_start: float = option(0.0, "first sparsity level", at_least=0, at_most=1)
    level_stop: float = option(0.95, "levels stay below this", at_least=0, at_most=1)
    level_step: float = option(0.05, "distance of two levels", above=0, at_most=1)
    n_videos: int = option(200, "dev videos used, drawn by manual_seed", at_least=1)
    max_drop: float = option(
        0.01,
        "dev video top-1 that a layer may cost by itself (0.01 is 1 point)",
        at_least=0,
        at_most=1,
    )
    summary_path: Path = option(
        Path("summary.csv"), "where the proposal (Name,Type,Sparsity) is written"
    )
    clip_durations: tuple[int, ...] | None = option(
        None, "group=clip: frames in a clip; default: 1, 1/2 and 1/4 of its own", at_least=1
    )
    clip_strides: tuple[int, ...] | None = option(
        None, "group=clip: temporal strides; default: 1 and 2 times its own", at_least=1
    )
    clip_sizes: tuple[int, ...] | None = option(
        None, "group=clip: height and width, pixels; default: 1, 3/4 and 1/2 of its own", at_least=8
    )
    manual_seed: int = option(1, "seed of the draw of dev videos", at_least=0, at_most=LARGEST_SEED)

    def files_written(self) -> tuple[str, ...]:
        """Return the options that name a file that the entry point writes."""
        return ("summary_path",)


@dataclass(frozen=True, kw_only=True)
class SearchEntry(SearchOptions, SourceOptions, TrackingOptions):
    """Find what to take from where so that a target is met and dev accuracy is highest."""

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ("output",)


@dataclass(frozen=True, kw_only=True)
class PromoteEntry(TrustOptions, TrackingOptions):
    """Move the champion alias to a version that passes the gate."""

    name: str | None = option(None, "registered model; default: the only one with a challenger")
    version: str = option("challenger", "alias or number of the version to promote")
    gate: Path | None = option(
        None, "YAML file of the gate; default: the shipped one", is_input=True
    )
    rollback: bool = option(False, "give the alias back to the previous champion")
    reason: str | None = option(None, "why, in your words: recorded with the promotion")
    root_path: Path = option(Path("data"), "folder that prepared data sets lie in")
    dataset: str | None = option(None, "name of the prepared data set; default: the newest one")
    n_threads: int = option(16, "loader workers, at most one per core", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        # What a tracking server refuses is refused before minutes of measuring.
        if self.reason is not None and len(self.reason) > _LONGEST_REASON:
            msg = f"reason: {len(self.reason)} characters, at most {_LONGEST_REASON} are kept"
            raise ConfigError(msg)


@dataclass(frozen=True, kw_only=True)
class CompareEntry(TrackingOptions):
    """Write one page of every registered version: accuracy, cost, lineage, verdicts, changes."""

    name: str | None = option(None, "registered model; default: all of this project")
    experiment: str | None = option(
        None, "name or id of the experiment whose runs made the versions; default: any"
    )
    before: str | None = option(
        None,
        "number, alias or URI of the version that after is compared with; default: its parent",
    )
    after: str | None = option(
        None,
        "number, alias or URI of the version that is looked at closely; default: the challenger, "
        "else the champion, else the newest compressed one",
    )
    output: Path = option(Path("compare.html"), "HTML file")


@dataclass(frozen=True, kw_only=True)
class PredictEntry(ServingOptions, TrackingOptions):
    """Classify video files with a registered model or an exported file."""

    videos: Path | None = option(None, "a video file or a folder of them", is_input=True)
    source: str | None = option(
        None, "models:/NAME@ALIAS or an ONNX file; default: the only registered champion"
    )
    output: Path = option(Path("predictions.csv"), "CSV or JSON file, by its ending")
    top_k: int = option(5, "labels per video", at_least=1)
    n_clips: int = option(
        0,
        "clips per video, spread evenly; 0: all, as in evaluation",
        at_least=0,
        at_most=MOST_CLIPS,
    )
    timeline: bool = option(
        False, "also write scores over time beside output: CSV, JSON and a picture of each video"
    )
    annotate: Path | None = option(
        None, "folder that takes each video again with its labels on it, MP4; default: none"
    )
    provider: str = option("auto", "what runs the graph", choices=PROVIDERS)
    threads: int = option(0, "CPU threads of the runtime; 0: all cores", at_least=0)


@dataclass(frozen=True, kw_only=True)
class StudyEntry(TrustOptions, TrackingOptions):
    """Run models x methods x seeds and report what compression costs and gains."""

    matrix: Path | None = option(
        None, "YAML file of the matrix; default: the shipped tier1.yaml", is_input=True
    )
    only: tuple[str, ...] = option(
        (), "cells, or the models, methods and repeats whose cells, to compute; default: all"
    )
    budget_minutes: float = option(
        0.0, "start no further cell after so many minutes; 0: no limit", at_least=0
    )
    estimate_only: bool = option(False, "print how long it would take and compute nothing")
    networks_only: bool = option(
        False, "train and compress, and measure later, on a machine that does nothing else"
    )
    accuracy_only: bool = option(
        False, "leave out the times; the same command without it measures them, and only them"
    )
    root_path: Path = option(Path("data"), "folder of prepared data sets and of checkpoints")
    no_cuda: bool = option(False, "stay on the CPU even where there is a GPU")
    n_threads: int = option(0, "loader workers, at most one per core", at_least=0)

    def folders_written(self) -> tuple[str, ...]:
        """Return the options that name a folder in which the entry point writes."""
        return ("results", "root_path")


@dataclass(frozen=True, kw_only=True)
class DoctorEntry(ModelOptions):
    """Find what this machine can run, what a network can do, or whether the registry is whole."""

    check: str = option(
        "machine",
        "what is looked at; registry: aliases, exports, locks and data, and what mends them",
        choices=("machine", "registry"),
    )
    root_path: Path = option(Path("data"), "check=registry: folder that prepared data sets lie in")
    model: str = option(
        "", "take this network through admission instead: a family, torchvision:NAME or python:..."
    )
    n_classes: int = option(101, "number of the network's classes", at_least=2)
    sample_size: int = option(112, "height and width of its clips, pixels", at_least=8)
    sample_duration: int = option(16, "frames in its clips", at_least=1)

    def __post_init__(self) -> None:
        if self.model and self.check != "machine":
            msg = f"check: {self.check} looks at no network: leave out model, or check"
            raise ConfigError(msg)
        if self.model:
            super().__post_init__()
        else:
            Options.__post_init__(self)
