"""Options of where runs, results and registered models go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vcc.config.networks.arguments import BuilderOptions
from vcc.config.networks.fields import DEFAULT_FAMILY, with_family_options
from vcc.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
class TrackingOptions(Options):
    """Where a run is recorded. The tracking server is `MLFLOW_TRACKING_URI`'s business."""

    run_name: str | None = option(None, "name of the MLflow run; default: what it does to what")
    results: Path = option(Path("results"), "folder of the results tree (val.json, accuracy.txt)")


@dataclass(frozen=True, kw_only=True)
@with_family_options(
    after="model", told="{families}: {help}; default: the registered one's", unset=True
)
class SourceOptions(BuilderOptions):
    """Which registered model an entry point starts from, and on which prepared data.

    Options left unset match anything: with one registered ResNet, `model=resnet` is enough.
    """

    model: str = option(
        DEFAULT_FAMILY, "architecture family, torchvision:NAME or python:PACKAGE.MODULE:FACTORY"
    )
    width_mult: float | None = option(None, "factor on the channels", above=0)
    source: str | None = option(
        None, "models:/NAME@ALIAS, models:/NAME/VERSION or a checkpoint folder; wins over the above"
    )
    root_path: Path = option(Path("data"), "folder that prepared data sets lie in")
    dataset: str | None = option(
        None, "name of the prepared data set; default: that of source, else the newest one"
    )
    no_cuda: bool = option(False, "stay on the CPU even where there is a GPU")
    n_threads: int = option(16, "loader workers, at most one per core", at_least=0)
