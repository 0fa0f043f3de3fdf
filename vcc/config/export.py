"""Options of the ONNX export and of the latency measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vcc.config.options import Options, option
from vcc.errors import ConfigError, ExportError
from vcc.registry import Registry

# Subclasses of `vcc.export.providers.base.Provider`.
RUNTIMES: Registry[type[Any]] = Registry(
    "provider", group="vcc.runtimes", rooms=("vcc.export.providers",), error=ExportError
)

# Subclasses of `vcc.export.bundles.base.Bundle`.
BUNDLES: Registry[type[Any]] = Registry(
    "bundle", group="vcc.bundles", rooms=("vcc.export.bundles",), error=ExportError
)


def provider_names() -> tuple[str, ...]:
    """Return what `provider` can be: auto, and the names of the runtimes that can be loaded."""
    return ("auto", *_loadable(RUNTIMES))


def precision_names() -> tuple[str, ...]:
    """Return what `precision` can be: auto, and all that some runtime computes float files in."""
    names = _loadable(RUNTIMES)
    runtimes = (runtime for name, runtime in RUNTIMES.loaded() if name in names)
    return ("auto", *dict.fromkeys(each for runtime in runtimes for each in runtime.precisions))


def _loadable(parts: Registry[type[Any]]) -> tuple[str, ...]:
    """Return the names of the parts that can be loaded.

    A package that cannot be is told of when a part is asked for: options classes are made before
    anything catches an error.
    """
    try:
        return parts.names()
    except ConfigError:
        return tuple(name for name, _ in parts.loaded())


PROVIDERS = provider_names()
PRECISIONS = precision_names()
BUNDLE_KINDS = _loadable(BUNDLES)


@dataclass(frozen=True, kw_only=True)
class ExportOptions(Options):
    """How a network becomes an ONNX file and how fast that file is said to be."""

    provider: str = option(
        "auto",
        "what runs the graph; auto: CUDA, else OpenVINO for int8 graphs, else the CPU",
        choices=PROVIDERS,
    )
    precision: str = option("auto", "what float graphs compute in; auto: f32", choices=PRECISIONS)
    allow_fallback: bool = option(
        False, "run on the CPU, and say so, what cannot run where it was asked to"
    )
    opset: int = option(20, "ONNX operator set", at_least=18, at_most=23)
    latency_runs: int = option(50, "timed runs of each variant, taken in turns", at_least=5)
    latency_warmup: int = option(5, "untimed runs of each variant before that", at_least=0)
    latency_batch: int = option(1, "clips per timed run", at_least=1)
    latency_batches: tuple[int, ...] = option(
        (), "further batch sizes of the table of runtimes", at_least=1
    )
    latency_table: bool = option(True, "time every runtime of this machine, not provider alone")
    latency_threads: int = option(0, "CPU threads of each runtime; 0: all cores", at_least=0)
    parity_videos: int = option(16, "dev videos on which file and network must agree", at_least=1)
