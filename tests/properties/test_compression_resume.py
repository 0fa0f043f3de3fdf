"""A training that stops anywhere and goes on from its saved state equals one that never stopped."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import AdamW
from toy_training import CLIP, STEPS, Training, batch_of, pruned_by, tiny_net

EPOCHS = 5
CONVOLUTIONS = ["conv1.weight", "conv2.weight"]
GROWS = {"mask_on_forward_only": True, "use_double_copies": True, "keep_mask": True}
RANGE = {"starting_epoch": 0, "ending_epoch": 4, "frequency": 1}


def ranked(name: str, *, agp: bool = False, **more: Any) -> dict[str, Any]:
    """Return a pruner of structures."""
    how = {"initial_sparsity": 0.2, "final_sparsity": 0.6} if agp else {"desired_sparsity": 0.5}
    return {
        "class": name,
        "group_type": "Filters",
        "weights": CONVOLUTIONS,
        **how,
        **more,
    }


def by_rate(name: str, **args: Any) -> dict[str, Any]:
    """Return a schedule of a pruner and a learning-rate scheduler."""
    return {
        **pruned_by(AGP),
        "lr_schedulers": {"rate": {"class": name, **args}},
        "policies": [
            {"pruner": {"instance_name": "pruner"}, **RANGE},
            {"lr_scheduler": {"instance_name": "rate"}, **RANGE},
        ],
    }


AGP = {
    "class": "AutomatedGradualPruner",
    "initial_sparsity": 0.2,
    "final_sparsity": 0.7,
    "weights": [*CONVOLUTIONS, "fc.weight"],
}
SPLICING = {
    "class": "SplicingPruner",
    "sensitivities": {"conv1.weight": 0.4, "fc.weight": 0.3},
    "low_thresh_mult": 0.9,
    "hi_thresh_mult": 1.1,
    "sensitivity_multiplier": 0.1,
}
SCHEDULES: dict[str, Mapping[str, Any]] = {
    "agp": pruned_by(AGP),
    "agp that grows": pruned_by(AGP, args=GROWS),
    "agp with masked gradients": pruned_by(
        AGP, args={"mask_on_forward_only": True, "mask_gradients": True, "keep_mask": True}
    ),
    "masks every other minibatch": pruned_by(AGP, args={"mini_batch_pruning_frequency": 2}),
    "masks for a minibatch": pruned_by(AGP, args={"discard_masks_at_minibatch_end": True}),
    "first minibatch dense": pruned_by(AGP, args={"skip_first_minibatch": True}),
    "levels of two policies": {
        "pruners": {
            "pruner": {"class": "SparsityLevelParameterPruner", "levels": {"conv1.weight": 0.2}}
        },
        "policies": [
            {
                "pruner": {"instance_name": "pruner", "args": {"levels": {"conv2.weight": 0.5}}},
                "epochs": [0, 1],
            },
            {"pruner": {"instance_name": "pruner"}, "epochs": [2, 3]},
        ],
    },
    "sensitivity": pruned_by(
        {"class": "SensitivityPruner", "sensitivities": {"conv1.weight": 0.6, "fc.weight": 0.4}}
    ),
    "splicing": pruned_by(SPLICING, args=GROWS),
    "leader": pruned_by(
        ranked("L2RankedStructureParameterPruner_AGP", agp=True, group_dependency="Leader")
        | {"group_type": "Rows", "weights": ["fc.weight"]}
    ),
    "gradients": pruned_by(ranked("GradientRankedFilterPruner")),
    "activations": pruned_by(ranked("ActivationAPoZRankedFilterPruner_AGP", agp=True)),
    "means": pruned_by(ranked("ActivationMeanRankedFilterPruner")),
    "taylor": pruned_by(ranked("TaylorRankedFilterPruner_AGP", agp=True)),
    "taylor within an epoch": pruned_by(
        ranked("TaylorRankedFilterPruner"), args={"mini_batch_pruning_frequency": 2}
    ),
    "taylor over all layers": pruned_by(
        ranked("TaylorRankedFilterPruner_AGP", agp=True, ranking="global", normalizer="lamp")
    ),
    "geometric median": pruned_by(ranked("FPGMRankedFilterPruner_AGP", agp=True), args=GROWS),
    "batchnorm scales": pruned_by(ranked("BNScaleRankedFilterPruner_AGP", agp=True)),
    "bernoulli": pruned_by(
        ranked("BernoulliFilterPruner_AGP", agp=True), args={"mini_batch_pruning_frequency": 1}
    ),
    "lasso that prunes": {
        "regularizers": {
            "lasso": {
                "class": "GroupLassoRegularizer",
                "reg_regims": {"conv2.weight": [0.05, "3D"]},
                "threshold_criteria": "Mean_Abs",
            }
        },
        "policies": [
            {"regularizer": {"instance_name": "lasso", "args": {"keep_mask": True}}, **RANGE}
        ],
    },
    "milestones": by_rate("MultiStepLR", milestones=[1, 3], gamma=0.5),
    "steps": by_rate("MultiStepMultiGammaLR", milestones=[1, 3], gammas=[0.5, 0.1]),
    "one cycle": by_rate("OneCycleLR", max_lr=0.2, total_steps=6),
    "cyclic": by_rate("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=2),
    "plateau": by_rate("ReduceLROnPlateau", mode="min", patience=0, factor=0.5),
    "cosine": by_rate("CosineAnnealingLR", T_max=4),
}


def quantized_by(name: str, *, start: int = 1, **args: Any) -> dict[str, Any]:
    """Return a schedule that quantizes before epoch `start`, with a falling rate."""
    return {
        "quantizers": {"it": {"class": name, **args}},
        "lr_schedulers": {"rate": {"class": "ExponentialLR", "gamma": 0.8}},
        "policies": [
            {
                "quantizer": {"instance_name": "it"},
                "starting_epoch": start,
                "ending_epoch": 4,
                "frequency": 1,
            },
            {"lr_scheduler": {"instance_name": "rate"}, **RANGE},
        ],
    }


SCHEDULES |= {
    "qat": quantized_by(
        "QuantAwareTrainRangeLinearQuantizer", bits_activations=8, bits_weights=8, ema_decay=0.9
    ),
    "pact": quantized_by("PACTQuantizer", bits_activations=4, bits_weights=4, act_clip_decay=0.01),
    "dorefa from the start": quantized_by(
        "DorefaQuantizer", start=0, bits_activations=4, bits_weights=4
    ),
    "ptq": quantized_by("PostTrainLinearQuantizer", clip_acts="MSE"),
    "thinning": {
        "pruners": {"pruner": ranked("L1RankedStructureParameterPruner_AGP", agp=True)},
        "extensions": {"thinner": {"class": "FilterRemover"}},
        "policies": [
            {"pruner": {"instance_name": "pruner"}, "epochs": [0, 1]},
            {"extension": {"instance_name": "thinner"}, "epochs": [2]},
        ],
    },
    "kernels, cut": {
        "pruners": {
            "pruner": ranked("TaylorRankedFilterPruner") | {"group_type": "TemporalSlices"},
            "filters": ranked("TaylorRankedFilterPruner"),
        },
        "extensions": {"thinner": {"class": "FilterRemover"}},
        "policies": [
            {"pruner": {"instance_name": "pruner"}, "epochs": [0, 1]},
            {"extension": {"instance_name": "thinner"}, "epochs": [2]},
            {"pruner": {"instance_name": "filters"}, "epochs": [2, 3]},
            {"extension": {"instance_name": "thinner"}, "epochs": [4]},
        ],
    },
    "decomposed, inner channels cut": {
        "decomposers": {
            "forms": {"class": "LowRankDecomposer", "rank": 3, "weights": CONVOLUTIONS}
        },
        "pruners": {
            "pruner": ranked("L1RankedStructureParameterPruner")
            | {"weights": ["conv1.0.weight", "conv2.0.weight"]}
        },
        "extensions": {"thinner": {"class": "FilterRemover"}, "norms": {"class": "PreciseBN"}},
        "policies": [
            {"decomposer": {"instance_name": "forms"}, "epochs": [1]},
            {"extension": {"instance_name": "norms"}, "epochs": [1]},
            {"pruner": {"instance_name": "pruner"}, "epochs": [1, 2]},
            {"extension": {"instance_name": "thinner"}, "epochs": [3]},
        ],
    },
    "activations, thinned": {
        "pruners": {"pruner": ranked("ActivationMeanRankedFilterPruner")},
        "extensions": {"thinner": {"class": "FilterRemover"}},
        "policies": [
            {"pruner": {"instance_name": "pruner"}, "epochs": [1, 3]},
            {"extension": {"instance_name": "thinner"}, "epochs": [2]},
        ],
    },
}


def adamw(parameters: Any) -> torch.optim.Optimizer:
    return AdamW(parameters, lr=0.02, weight_decay=0.05)


def same(left: Any, right: Any) -> None:
    """Compare nested containers of tensors, bit by bit."""
    if isinstance(left, torch.Tensor):
        assert torch.equal(left, right)
    elif isinstance(left, Mapping):
        assert left.keys() == right.keys()
        for key in left:
            same(left[key], right[key])
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            same(one, other)
    else:
        assert left == right


# One more way to rank, to mask or to fall: what they keep for later is that of others, too.
_ALIKE = (
    *("agp with masked gradients", "masks every other minibatch", "levels of two policies"),
    *("means", "taylor", "taylor over all layers", "geometric median", "batchnorm scales"),
    *("milestones", "cyclic", "cosine", "pact", "thinning", "kernels, cut"),
)
assert set(_ALIKE) < set(SCHEDULES)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in _ALIKE else ())
        for name in sorted(SCHEDULES)
    ],
)
@given(
    epoch=st.integers(0, EPOCHS - 1),
    step=st.integers(0, STEPS),
    adam=st.booleans(),
    optimizer_first=st.booleans(),
)
@settings(max_examples=3, deadline=None)
def test_it_goes_on_as_if_it_had_not_stopped(
    name: str, epoch: int, step: int, adam: bool, optimizer_first: bool
) -> None:
    make = adamw if adam else Training.__dataclass_fields__["make_optimizer"].default
    calibration = [batch_of(8, step)[0] for step in range(2)]
    options = {"example_input": torch.zeros(2, *CLIP), "calibration": lambda: calibration}
    start = functools.partial(Training, SCHEDULES[name], make_optimizer=make, options=options)
    whole = start()
    whole.run(EPOCHS)

    first = start()
    first.run(EPOCHS, stop=(epoch, step))
    second = start(model=tiny_net(seed=7))
    second.restore(first.saved(), optimizer_first=optimizer_first)
    second.run(EPOCHS, begin=(epoch, step))

    assert first.losses + second.losses == whole.losses
    same(second.model.state_dict(), whole.model.state_dict())
    same(second.optimizer.state_dict(), whole.optimizer.state_dict())
    same(second.scheduler.state_dict(), whole.scheduler.state_dict())
