"""How the demonstration's figures spread over seeds, which move videos, weights and batches alike.

    python -m benchmarks.demo_seeds [--seeds 1 2 3] [--threads 2]

Every seed makes its own videos and takes the steps of `make demo` whose figures have pass marks:
prepare, train, compress, export with the timing in turns. Nothing is recorded in MLflow, and the
table of runtimes is left out. Some minutes a seed; a line for each as it ends, then the spread.
"""

from __future__ import annotations

import argparse
import copy
import logging
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

from vcc.config.compression import CompressionOptions
from vcc.config.data import ClipOptions, PrepareOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.config.export import ExportOptions
from vcc.config.training import TrainingOptions
from vcc.data.machine import usable_cores
from vcc.evaluation.comparison import PassMarks, Variant, speed_up
from vcc.pipeline.card import Network
from vcc.pipeline.compress import compress_step
from vcc.pipeline.export import export_networks
from vcc.pipeline.prepare import prepare_step
from vcc.pipeline.recipe import recipe_for
from vcc.pipeline.train import train_step
from vcc.tracking.silent import SilentRun


@dataclass(frozen=True)
class Seed:
    """The two columns of the demonstration's table for one seed."""

    number: int
    dense: Variant
    compressed: Variant

    @property
    def speedup(self) -> float:
        """How many times faster the compressed file is, at the median."""
        return speed_up(self.dense, self.compressed)

    def misses(self) -> list[str]:
        """Return the pass marks that it misses."""
        options = PipelineEntry()
        marks = PassMarks(
            video_top1=options.pass_video_top1,
            test_videos=options.pass_test_videos,
            drop=options.pass_drop,
            speedup=options.pass_speedup,
        )
        return list(marks.misses(self.dense, self.compressed))

    def as_text(self) -> str:
        """Return its row."""
        figures = (self.dense.video_top1, self.compressed.video_top1)
        shown = "".join(f"{100 * figure:>12.1f} %" for figure in figures)
        return f"{self.number:<6}{shown}{self.speedup:>11.2f}x   {'; '.join(self.misses())}"


def run_seed(number: int, folder: Path) -> Seed:
    """Take the demonstration's steps with one seed, below a folder that is thrown away."""
    options = PipelineEntry(manual_seed=number, root_path=folder / "data")
    run = SilentRun()
    dataset = prepare_step(options.pick(PrepareOptions), run)
    dense = train_step(
        dataset,
        model=options.network(),
        clip=options.pick(ClipOptions),
        training=options.pick(TrainingOptions),
        run=run,
    )
    recipe = recipe_for(
        dense,
        options.pick(CompressionOptions),
        n_epochs=options.compress_n_epochs,
        learning_rate=options.compress_learning_rate,
        parent=None,
    )
    source = Network(model=copy.deepcopy(dense.model), card=dense.card)
    networks = {"dense": dense, "compressed": compress_step(source, dataset, recipe, run=run)}
    made = export_networks(
        networks, dataset, options.pick(ExportOptions), folder=folder, n_threads=options.n_threads
    )
    return Seed(number, made["dense"].variant("dense"), made["compressed"].variant("compressed"))


def spread(title: str, values: list[float], unit: str) -> str:
    """Return a line with least, median and largest of some values."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{title:<24}{low:>8.2f}{middle:>8.2f}{high:>8.2f} {unit}"


def main() -> None:
    """Run every seed and write its row, then the spread."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=min(2, usable_cores()))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.basicConfig(level=logging.WARNING)
    write = sys.stdout.write
    write(f"{'seed':<6}{'dense top-1':>14}{'compressed':>14}{'faster':>12}   missed\n")
    done: list[Seed] = []
    for number in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            done.append(run_seed(number, Path(folder)))
        write(f"{done[-1].as_text()}\n")
        sys.stdout.flush()
    write(f"{'':<24}{'least':>8}{'median':>8}{'most':>8}\n")
    for title, values in {
        "dense video top-1": [100 * seed.dense.video_top1 for seed in done],
        "compressed video top-1": [100 * seed.compressed.video_top1 for seed in done],
    }.items():
        write(f"{spread(title, values, '%')}\n")
    write(f"{spread('speed-up at the median', [seed.speedup for seed in done], 'x')}\n")
    failed = [seed.number for seed in done if seed.misses()]
    write(f"seeds that miss a pass mark: {', '.join(map(str, failed)) or 'none'}\n")


if __name__ == "__main__":
    main()
