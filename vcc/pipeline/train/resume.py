"""What a training says about itself in its checkpoint, and whether it may go on from one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from lightning.pytorch.callbacks import Callback
from torch import Tensor

from vcc.config.training import ResumeOptions
from vcc.errors import ConfigError, ModelError, TrainingError
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network, NetworkCard
from vcc.training.best import BestWeights
from vcc.training.resume_checkpoint import ABOUT_KEY, LAST_FILE, CheckpointPlan, ResumeCheckpoint
from vcc.training.state_file import read_state

# These may differ from the interrupted training's: they say how long and where, not what.
_FREE = {
    *(f"training.{name}" for name in ("n_epochs", "gradient_clip", "no_cuda")),
    *("training.devices", "training.num_nodes", "clip.n_threads"),
}
# These spread their curve over all epochs: another number of them is another curve.
_SPANNING = ("onecycle", "cosine")


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """An interrupted training that is to go on.

    Attributes:
        path: its `last.ckpt`.
        about: what it said about itself, see `about_training`.
        epochs_done: epochs that it finished, all phases counted.
        run_id: the MLflow run that it logged to.
    """

    path: Path
    about: Mapping[str, Any]
    epochs_done: int
    run_id: str | None


def checkpoint_folder(results: Path, run_id: str) -> Path:
    """Return where a run keeps its checkpoints: `results/checkpoints/RUN_ID`."""
    return results / "checkpoints" / run_id


def last_checkpoint(results: Path, run_id: str) -> Path:
    """Return where a run's training keeps the checkpoint of its last finished epoch."""
    return checkpoint_folder(results, run_id) / LAST_FILE


def plan_checkpoints(options: ResumeOptions, *, results: Path, run_id: str) -> CheckpointPlan:
    """Return the plan of a run's checkpoints."""
    resume = find_resumption(options.resume_path) if options.resume_path else None
    return CheckpointPlan(
        folder=checkpoint_folder(results, run_id),
        every_n_epochs=options.checkpoint,
        resume_from=resume.path if resume else None,
    )


def find_resumption(path: Path) -> Resumption:
    """Read what a checkpoint says about its training; the tensors stay on the disk.

    Args:
        path: `last.ckpt` or its folder.

    Raises:
        TrainingError: it is missing, damaged, unsafe or of something else.
        ConfigError: it was written by other code.
    """
    file = path / LAST_FILE if path.is_dir() else path
    about = read_state(file).get(ABOUT_KEY)
    if not _is_about(about):
        msg = f"resume_path: {file} was not written by this project's training"
        raise ConfigError(msg)
    return Resumption(
        path=file, about=about, epochs_done=about["epochs_done"], run_id=about.get("run_id")
    )


def _is_about(about: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether this is what `about_training` made, as far as it is relied on."""
    return (
        isinstance(about, dict)
        and isinstance(about.get("epochs_done"), int)
        and about["epochs_done"] >= 0
        and isinstance(about.get("run_id"), str | None)
    )


def about_training(card: NetworkCard, *, run_id: str, **more: Any) -> dict[str, Any]:
    """Return the plain data that a training puts into its checkpoints.

    Args:
        card: data, clips and optimisation.
        run_id: the MLflow run.
        more: further JSON types that must be the same on resuming, such as how the network is
            built and what of it trains.
    """
    return {
        "run_id": run_id,
        "data": {"dataset": card.dataset, "digest": card.data_digest},
        "clip": card.clip.as_dict(),
        "training": card.training.as_dict(),
        **more,
    }


def check_same_training(resume: Resumption, about: Mapping[str, Any]) -> None:
    """Refuse to go on with another network, other data or other options.

    Args:
        resume: the interrupted training.
        about: the new one's `about_training`.

    Raises:
        ConfigError: something that shapes the result differs, or fewer epochs are asked for than
            were trained.
    """
    then, now = (_flat(each) for each in (resume.about, about))
    free = set(_FREE)
    if then.get("training.lr_scheduler") in _SPANNING:
        free.discard("training.n_epochs")
    differing = [
        f"{name.rpartition('.')[2]} was {then[name]} and is {value}"
        for name, value in now.items()
        # An option that the older code did not have cannot differ.
        if name in then and name not in free and name != "run_id" and then[name] != value
    ]
    if differing:
        msg = (
            f"resume_path: {resume.path} is of another training: {'; '.join(differing[:4])}: "
            "give the options that it was started with"
        )
        raise ConfigError(msg)
    n_epochs = now["training.n_epochs"]
    if resume.epochs_done > n_epochs:
        msg = (
            f"n_epochs: {resume.path} has trained {resume.epochs_done} epochs already: "
            f"ask for at least as many, not {n_epochs}"
        )
        raise ConfigError(msg)


def resume_checkpoint(
    network: Network,
    plan: CheckpointPlan,
    about: Mapping[str, Any],
    *,
    callbacks: Sequence[Callback],
    first_epoch: int = 0,
) -> ResumeCheckpoint:
    """Return the callback that writes `last.ckpt`, and the best network beside it as `best`.

    Args:
        network: what is trained, with its card.
        plan: where and how often.
        about: see `about_training`.
        callbacks: the training's other callbacks; their `BestWeights` are what is best.
        first_epoch: absolute number of the first epoch that is trained.
    """

    def keep_best(weights: Mapping[str, Tensor]) -> None:
        best = copy.deepcopy(network.classifier()).cpu()
        best.load_state_dict(weights)
        try:
            save_checkpoint(plan.folder / "best", best, network.card.as_metadata())
        except ModelError as error:
            raise TrainingError(str(error)) from error

    return ResumeCheckpoint(
        plan,
        about=about,
        first_epoch=first_epoch,
        best=next((each for each in callbacks if isinstance(each, BestWeights)), None),
        keep_best=keep_best,
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    return dict(_walk(tree, prefix))


def _walk(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _walk(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
