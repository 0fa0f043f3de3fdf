"""How well a candidate answers: statistics estimated again, trained for a while, on dev videos."""

from __future__ import annotations

import copy
import dataclasses
from collections import OrderedDict

import lightning
from torch import Tensor

from vcc.compression.engine.builder import file_config
from vcc.compression.policies.precise_bn import estimate_batchnorms_
from vcc.compression.schedule.schedule import Schedule
from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.entrypoints import SearchEntry
from vcc.config.training import TrainingOptions
from vcc.data.clips.protocol import ClipProtocol
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.compress.scheduler import calibration_clips
from vcc.pipeline.evaluate.dev_measure import DevMeasure, draw_videos
from vcc.pipeline.train.epochs import train_epochs
from vcc.tracking.runs import Run

# Clips of one protocol may take a gigabyte or two.
_VIEWS = 2
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
        self._options, self._dataset = options, dataset
        seed = options.manual_seed
        drawn = draw_videos(dataset, "train", n_videos=options.trial_videos, seed=seed)
        self.training_videos = drawn.videos("train")
        # Training asks for dev videos, although it does not look at them here.
        videos = (*self.training_videos, *dataset.videos("dev"))
        manifest = dataclasses.replace(dataset.manifest, videos=videos)
        self._training = PreparedDataset(dataset.root, manifest)
        self._views: OrderedDict[ClipProtocol, _View] = OrderedDict()
        self.n_videos = self._view(dense).measure.n_videos

    def score(self, network: Network) -> EvalResult:
        """Return what a network answers on the dev videos."""
        found = self._view(network).measure.of(network)(network.model)
        network.model.cpu()
        return found

    def top1(self, network: Network) -> float:
        """Return a network's dev video top-1, 0..1."""
        return self.score(network).top1

    def settle(self, network: Network) -> float:
        """Estimate its BatchNorms' statistics again, in place; return its dev video top-1."""
        estimate_batchnorms_(network.model, iter(self._view(network).clips))
        return self.top1(network)

    def train(self, network: Network, run: Run) -> None:
        """Train a network in place for the trial's epochs on the trial's videos."""
        epochs = self._options.trial_epochs
        if not epochs:
            return
        lightning.seed_everything(self._options.manual_seed, verbose=False)
        trained = Network(model=network.model, card=_training_card(network, self._options))
        train_epochs(
            trained, self._training, epochs=(0, epochs), callbacks=[], run=run, span=epochs
        )

    def quantized(self, network: Network, schedule: Schedule) -> Network:
        """Return a copy of a network, quantized on training clips."""
        model = copy.deepcopy(network.model)
        clips = self._view(network).clips
        scheduler = file_config(
            model, None, schedule, example_input=clips[0], calibration=lambda: clips
        )
        scheduler.begin_seam(0)
        return Network(model=model.eval(), card=network.card)

    def _view(self, network: Network) -> _View:
        """Return what a network is shown: clips as its card has them, read once for all alike."""
        protocol = network.card.protocol
        if protocol not in self._views:
            self._views[protocol] = _View(
                measure=DevMeasure(
                    network,
                    self._dataset,
                    n_videos=self._options.dev_videos,
                    seed=self._options.manual_seed,
                    no_cuda=self._options.no_cuda,
                    n_threads=self._options.n_threads,
                ),
                clips=tuple(calibration_clips(network, self._training)),
            )
            if len(self._views) > _VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(protocol)
        return self._views[protocol]


@dataclasses.dataclass(frozen=True)
class _View:
    """Clips of one protocol: of dev videos to measure on, and of training videos to calibrate."""

    measure: DevMeasure
    clips: tuple[Tensor, ...]


def _training_card(network: Network, options: SearchEntry) -> NetworkCard:
    card = network.card
    return dataclasses.replace(
        card,
        training=_training_options(card.training, options),
        clip=dataclasses.replace(
            card.clip, n_threads=options.n_threads, manual_seed=options.manual_seed
        ),
    )


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
