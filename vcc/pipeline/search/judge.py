"""How well a candidate answers: statistics estimated again, trained for a while, on dev videos."""

from __future__ import annotations

import copy
import dataclasses

import lightning
from torch import Tensor

from vcc.compression.engine.builder import file_config
from vcc.compression.policies.precise_bn import estimate_batchnorms_
from vcc.compression.schedule.schedule import Schedule
from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.entrypoints import SearchEntry
from vcc.config.training import TrainingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.compress.scheduler import calibration_clips
from vcc.pipeline.evaluate.dev_measure import DevMeasure, draw_videos
from vcc.pipeline.train.epochs import train_epochs
from vcc.tracking.runs import Run

# Of the rate that trained the dense network, as a compression in full has it.
_RATE_SHARE = 0.25


class Judge:
    """Judges networks of one search alike. It reads training and dev videos, and no others.

    Args:
        dense: the dense network.
        dataset: its data.
        options: epochs, videos, seed, machine.

    Raises:
        DataError: there are no dev or no training videos.
    """

    def __init__(self, dense: Network, dataset: PreparedDataset, options: SearchEntry) -> None:
        self._options = options
        seed = options.manual_seed
        self._measure = DevMeasure(
            dense,
            dataset,
            n_videos=options.dev_videos,
            seed=seed,
            no_cuda=options.no_cuda,
            n_threads=options.n_threads,
        )
        drawn = draw_videos(dataset, "train", n_videos=options.trial_videos, seed=seed)
        self.training_videos = drawn.videos("train")
        self.n_videos = self._measure.n_videos
        # Training asks for dev videos, although it does not look at them here.
        videos = (*self.training_videos, *dataset.videos("dev"))
        manifest = dataclasses.replace(dataset.manifest, videos=videos)
        self._training = PreparedDataset(dataset.root, manifest)
        self._clips: list[Tensor] = list(calibration_clips(dense, self._training))
        self._card = dataclasses.replace(
            dense.card,
            training=_training_options(dense.card.training, options),
            clip=dataclasses.replace(
                dense.card.clip, n_threads=options.n_threads, manual_seed=seed
            ),
        )

    def score(self, network: Network) -> EvalResult:
        """Return what a network answers on the dev videos."""
        found = self._measure.of(network)(network.model)
        network.model.cpu()
        return found

    def top1(self, network: Network) -> float:
        """Return a network's dev video top-1, 0..1."""
        return self.score(network).top1

    def settle(self, network: Network) -> float:
        """Estimate its BatchNorms' statistics again, in place; return its dev video top-1."""
        estimate_batchnorms_(network.model, iter(self._clips))
        return self.top1(network)

    def train(self, network: Network, run: Run) -> None:
        """Train a network in place for the trial's epochs on the trial's videos."""
        epochs = self._options.trial_epochs
        if not epochs:
            return
        lightning.seed_everything(self._options.manual_seed, verbose=False)
        trained = Network(model=network.model, card=self._card)
        train_epochs(
            trained, self._training, epochs=(0, epochs), callbacks=[], run=run, span=epochs
        )

    def quantized(self, network: Network, schedule: Schedule) -> Network:
        """Return a copy of a network, quantized on training clips."""
        model = copy.deepcopy(network.model)
        scheduler = file_config(
            model, None, schedule, example_input=self._clips[0], calibration=lambda: self._clips
        )
        scheduler.begin_seam(0)
        return Network(model=model.eval(), card=network.card)


def _training_options(dense: TrainingOptions, options: SearchEntry) -> TrainingOptions:
    return dataclasses.replace(
        dense,
        n_epochs=max(1, options.trial_epochs),
        learning_rate=_RATE_SHARE * dense.learning_rate,
        lr_scheduler="cosine",
        lr_warmup_epochs=0,
        early_stopping=0,
        no_val=True,
        train_precision="fp32",
        compile=False,
        no_cuda=options.no_cuda,
        # The machine that trained the dense network is not this one.
        devices=0,
        num_nodes=0,
    )
