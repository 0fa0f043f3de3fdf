"""Every class, group, flag and argument of the dialect: accepted, run in a shortened training.

The schedules that are given with the project use some of them; these are written for all, against
a 3-D network and against the same in 2-D. A table at the end holds misuse to one clear error.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn
from toy_training import STEPS, TinyNet, Training, tiny_net

from vcc.compression import file_config, load_schedule
from vcc.compression.masks.group_thresholds import structure_measure
from vcc.compression.quantization.settings import QUANT_MODES
from vcc.compression.regularizers.terms import LASSO_GROUPS
from vcc.compression.schedule.dialect import POLICIES, classes
from vcc.errors import ScheduleError
from vcc.models.quantized.modules import ActivationQuantizer, ClippedActivation
from vcc.models.quantized.weight import WeightQuantizer

_POLICY_ARGS = {name: kind.fields() for name, kind in POLICIES.items()}
EPOCHS = 3
RANGE = {"starting_epoch": 0, "ending_epoch": EPOCHS, "frequency": 1}
# written with and without the prefix of DataParallel: both are the same parameters
CONVOLUTIONS = ["module.conv1.weight", "conv2.weight"]
FILTERS = {"group_type": "Filters", "weights": CONVOLUTIONS}
AGP = {"initial_sparsity": 0.1, "final_sparsity": 0.5}


def pruner(name: str, **args: Any) -> tuple[str, str, dict[str, Any]]:
    return "pruner", name, args


ELEMENTWISE = [
    pruner("MagnitudeParameterPruner", thresholds={"conv1.weight": 0.05, "*": 0.01}),
    pruner("SparsityLevelParameterPruner", levels={"module.fc.weight": 0.5, "*": 0.25}),
    pruner("SensitivityPruner", sensitivities={"conv1.weight": 0.6, "re:fc.*": 0.3}),
    pruner("AutomatedGradualPruner", **AGP, weights=["type:Conv3d", "fc.weight"]),
    # a bare name where a list belongs, as in some of Distiller's own
    pruner("AutomatedGradualPruner", **AGP, weights="module.fc.weight"),
    pruner(
        "SplicingPruner",
        sensitivities={"conv1.weight": 0.5, "*": 0.2},
        low_thresh_mult=0.9,
        hi_thresh_mult=1.1,
        sensitivity_multiplier=0.1,
    ),
    pruner("BaiduRNNPruner", q=0.05, ramp_epoch_offset=1, ramp_slope_mult=2, weights=["fc.weight"]),
    *(
        pruner(
            "StructureParameterPruner",
            reg_regims={name: [0.05, group]},
            threshold_criteria=criterion,
        )
        for group, name in (
            ("2D", "conv2.weight"),
            ("3D", "conv2.weight"),
            ("Filters", "fc.weight"),
            ("Channels", "conv2.weight"),
            ("Rows", "fc.weight"),
            ("Cols", "fc.weight"),
        )
        for criterion in ("Max", "Mean_Abs")
    ),
]
_RANKED = ("L1RankedStructureParameterPruner", "L2RankedStructureParameterPruner")
_FILTER_RANKED = (
    "ActivationAPoZRankedFilterPruner",
    "ActivationMeanRankedFilterPruner",
    "GradientRankedFilterPruner",
    "RandomRankedFilterPruner",
    "BernoulliFilterPruner",
)
_CRITERIA = (
    "TaylorRankedFilterPruner",
    "FPGMRankedFilterPruner",
    "BNScaleRankedFilterPruner",
)
STRUCTURED = [
    *(
        pruner(name, **{**FILTERS, "desired_sparsity": 0.5, "group_type": group, **more})
        for name in _RANKED
        for group, more in (
            ("Filters", {}),
            ("3D", {"noise": 0.5}),
            ("Channels", {"group_size": 2, "weights": ["conv2.weight"]}),
            ("Rows", {"rounding_fn": "ceil"}),
            ("Filters", {"group_dependency": "Coupled"}),
            ("Filters", {"weights": ["conv2.weight"], "group_dependency": "Leader"}),
            ("Blocks", {"weights": ["conv2.weight"], "kwargs": {"block_shape": [2, 2, 1, 1]}}),
            ("Channels", {"weights": "module.fc.weight"}),
        )
    ),
    *(pruner(f"{name}_AGP", **FILTERS, **AGP) for name in (*_RANKED, *_FILTER_RANKED, *_CRITERIA)),
    *(pruner(name, **FILTERS, desired_sparsity=0.5) for name in (*_FILTER_RANKED, *_CRITERIA)),
    *(
        pruner(name, **FILTERS, desired_sparsity=0.5, ranking="global", **more)
        for name in (*_CRITERIA, _RANKED[0])
        for more in (
            {"normalizer": "l2", "most_per_layer": 0.7},
            {"normalizer": "lamp", "group_dependency": "Coupled"},
        )
    ),
    pruner(
        _RANKED[1],
        group_type="Channels",
        desired_sparsity=0.5,
        ranking="global",
        weights=["conv2.weight", "fc.weight"],
    ),
    pruner(
        f"{_RANKED[0]}_AGP",
        **AGP,
        group_type="Blocks",
        weights=["conv2.weight"],
        kwargs={"block_shape": [1, 4, 1, 1]},
    ),
    pruner("RandomLevelStructureParameterPruner", **FILTERS, sparsity_range=[0.3, 0.6]),
    pruner("NetworkSlimmingPruner", desired_sparsity=0.4, weights=["re:bn\\d.weight"]),
]


def _lassoed(group: str) -> str:
    return "fc.weight" if "Rows" in group or "Cols" in group else "module.conv2.weight"


REGULARIZERS = [
    ("regularizer", "L1Regularizer", {"reg_regims": {"conv1.weight": 0.01, "*": 0.001}}),
    (
        "regularizer",
        "L1Regularizer",
        {"reg_regims": {"module.fc.weight": 0.02}, "threshold_criteria": "Mean_Abs"},
    ),
    ("regularizer", "L2Regularizer", {"reg_regims": {"re:bn.*weight": 0.01}}),
    *(
        (
            "regularizer",
            "GroupLassoRegularizer",
            {"reg_regims": {_lassoed(group): [0.01, group]}, "threshold_criteria": criterion},
        )
        for group in LASSO_GROUPS
        for criterion in (None, "Max", "Mean_Abs")
    ),
    (
        "regularizer",
        "GroupVarianceRegularizer",
        {"reg_regims": {"conv1.weight": [1e-6, "Channels"], "conv2.weight": [1e-6, "Channels"]}},
    ),
]
OVERRIDES = {
    "conv1": {"bits_activations": None, "bits_weights": None, "bits_bias": None},
    "module\\.bn.*|fc": {"bits_weights": 6},
}
QUANTIZERS = [
    *(
        ("quantizer", "QuantAwareTrainRangeLinearQuantizer", args)
        for args in (
            {"bits_activations": 8, "bits_weights": 8, "bits_bias": 32, "ema_decay": 0.9},
            *({"bits_activations": 4, "bits_weights": 2, "mode": mode} for mode in QUANT_MODES),
            {
                "bits_activations": 8,
                "bits_weights": 8,
                "per_channel_wts": True,
                "mode": {"activations": "ASYMMETRIC_UNSIGNED", "weights": "SYMMETRIC"},
                "overrides": OVERRIDES,
                "quantize_inputs": False,
            },
            {"bits_activations": 8, "bits_weights": 8, "num_bits_inputs": 4, "overrides": None},
            {"bits_activations": 8, "bits_weights": 8, "quant_target": "cpu"},
            {"bits_activations": 8, "bits_weights": 8, "quant_target": "tensorrt"},
        )
    ),
    *(
        (
            "quantizer",
            name,
            {"bits_activations": bits, "bits_weights": bits, "overrides": OVERRIDES},
        )
        for name in ("DorefaQuantizer", "WRPNQuantizer", "PACTQuantizer")
        for bits in (2, 4, 8)
    ),
    (
        "quantizer",
        "PACTQuantizer",
        {
            "bits_activations": 4,
            "bits_weights": None,
            "act_clip_init_val": 6.0,
            "act_clip_decay": 1e-4,
        },
    ),
    *(
        (
            "quantizer",
            "PostTrainLinearQuantizer",
            {
                "bits_activations": 8,
                "bits_parameters": 8,
                "clip_acts": mode,
                "clip_n_stds": 3.0,
                "per_channel_wts": True,
                "mode": "ASYMMETRIC_SIGNED",
            },
        )
        for mode in ("NONE", "AVG", "N_STD", "GAUSS", "LAPLACE", "PERCENTILE", "ENTROPY", "MSE")
    ),
    (
        "quantizer",
        "PostTrainLinearQuantizer",
        {
            "bits_accum": 32,
            "clip_half_range": True,
            "also_clip_weights": True,
            "clip_acts": "N_STD",
            "clip_n_stds": 2,
            "scale_approx_mult_bits": 8,
            "inputs_quant_auto_fallback": True,
            "fp16": False,
            "save_fp_weights": True,
            "overrides": {"fc": {"clip_acts": "NONE", "bits_activations": 6}},
        },
    ),
]
RATES: dict[str, Mapping[str, Any]] = {
    "StepLR": {"step_size": 1, "gamma": 0.5},
    "MultiStepLR": {"milestones": [1, 2], "gamma": 0.5},
    "ConstantLR": {"factor": 0.5, "total_iters": 2},
    "LinearLR": {"start_factor": 0.5, "total_iters": 3},
    "ExponentialLR": {"gamma": 0.5},
    "PolynomialLR": {"T_max": 5, "power": 1.0},
    "MultiStepMultiGammaLR": {"milestones": [1, 2], "gammas": [0.5, 0.1]},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 2},
    "OneCycleLR": {"max_lr": 0.2, "total_steps": 6},
    "ReduceLROnPlateau": {"mode": "min", "patience": 0, "factor": 0.5, "verbose": True},
}
CASES = [*ELEMENTWISE, *STRUCTURED, *REGULARIZERS, *QUANTIZERS]
SECTIONS = {"pruner": "pruners", "regularizer": "regularizers", "quantizer": "quantizers"}


class FlatNet(nn.Module):
    """`TinyNet` with 2-D convolutions over clips whose frames are stacked."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(6, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(6)
        self.relu2 = nn.ReLU6()
        self.fc = nn.Linear(6, 3)

    def forward(self, clips: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(clips.flatten(1, 2))))
        x = self.relu2(self.bn2(self.conv2(x)))
        logits: Tensor = self.fc(x.mean(dim=(2, 3)))
        return logits


def schedule_of(
    subject: str, name: str, component: Mapping[str, Any], **policy: Any
) -> dict[str, Any]:
    """Return a schedule of one component, through YAML as a file would hold it."""
    when = policy.pop("when", RANGE)
    schedule = {
        SECTIONS[subject]: {"it": {"class": name, **component}},
        "policies": [{subject: {"instance_name": "it", **policy}, **when}],
    }
    loaded: dict[str, Any] = yaml.safe_load(yaml.safe_dump(schedule))
    return loaded


def trained(
    schedule: Mapping[str, Any], model: nn.Module | None = None, **options: Any
) -> Training:
    """Train by a schedule and return what came of it."""
    example = torch.zeros(2, 2, 3, 5, 5)
    batches = [torch.randn(4, 2, 3, 5, 5) for _ in range(2)]
    done = Training(
        schedule,
        model=model or tiny_net(),
        options={"example_input": example, "calibration": lambda: batches, **options},
    )
    done.run(EPOCHS)
    assert all(math.isfinite(loss) for loss in done.losses)
    return done


def label(case: Any) -> str:
    return str(case[1]) if isinstance(case, tuple) else ""


@pytest.mark.parametrize("network", [TinyNet, pytest.param(FlatNet, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_component_runs(case: tuple[str, str, dict[str, Any]], network: type[nn.Module]) -> None:
    subject, name, args = case
    if network is FlatNet and args.get("weights") == ["type:Conv3d", "fc.weight"]:
        args = {**args, "weights": ["type:Conv2d", "fc.weight"]}
    model = network()
    if name == "StructureParameterPruner":
        _halve(args["reg_regims"], model, args["threshold_criteria"])

    done = trained(schedule_of(subject, name, args), model)

    if subject == "pruner":
        masked = {key: mask for key, mask in done.scheduler.masks.items() if mask is not None}
        assert any(not bool(mask.all()) for mask in masked.values())
        for key, mask in masked.items():
            assert not bool(done.model.get_parameter(key)[~mask].any())
    elif subject == "quantizer":
        kinds = (WeightQuantizer, ActivationQuantizer, ClippedActivation)
        assert any(isinstance(module, kinds) for module in done.model.modules())


def _halve(regimes: dict[str, list[Any]], model: nn.Module, criterion: str) -> None:
    """Set thresholds between the structures of a weight."""
    for name, regime in regimes.items():
        measures = structure_measure(model.get_parameter(name).detach(), regime[1], criterion)
        regime[0] = float(measures.median())


def test_every_component_of_the_dialect_is_here() -> None:
    sections = {"pruners", "regularizers", "quantizers", "lr_schedulers"}
    known = {name for name, spec in classes().items() if spec.section in sections}

    assert {name for _, name, _ in CASES} | set(RATES) >= known


@pytest.mark.parametrize("name", sorted(RATES))
def test_a_learning_rate_scheduler_runs(name: str) -> None:
    done = trained(
        {
            "lr_schedulers": {"rate": {"class": name, **RATES[name]}},
            "policies": [{"lr_scheduler": {"instance_name": "rate"}, **RANGE}],
        }
    )

    rate = done.optimizer.param_groups[0]["lr"]
    # these two are back at the base rate by then
    assert rate != 0.1 or name in ("ConstantLR", "LinearLR")
    assert 0 < rate < 0.3


LEVEL = ("SparsityLevelParameterPruner", {"levels": {"conv1.weight": 0.5}})


def levelled(args: Mapping[str, Any], **policy: Any) -> Training:
    return trained(schedule_of("pruner", *LEVEL, args=dict(args), **policy))


def conv1(training: Training) -> int:
    """Return how many of conv1's 216 weights are zero."""
    return int((training.model.get_parameter("conv1.weight") == 0).sum())


FLAGS: dict[str, tuple[dict[str, Any], int]] = {
    "levels": ({"levels": {"conv1.weight": 0.25}}, 54),
    "mask_on_forward_only": ({"mask_on_forward_only": True}, 0),
    "keep_mask": ({"mask_on_forward_only": True, "keep_mask": True}, 108),
    "use_double_copies": (
        {"use_double_copies": True, "mask_on_forward_only": True, "keep_mask": True},
        108,
    ),
    "mask_gradients": (
        {"mask_gradients": True, "mask_on_forward_only": True, "keep_mask": True},
        108,
    ),
    "mini_batch_pruning_frequency": ({"mini_batch_pruning_frequency": 2}, 108),
    # masks of an epoch's begin are gone after its first minibatch
    "discard_masks_at_minibatch_end": ({"discard_masks_at_minibatch_end": True}, 0),
    "skip_first_minibatch": ({"skip_first_minibatch": True}, 108),
    "fold_batchnorm": ({"fold_batchnorm": True}, 108),
}


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_a_policy_s_argument_runs(flag: str) -> None:
    args, zeros = FLAGS[flag]

    assert conv1(levelled(args)) == zeros


def test_every_argument_of_a_policy_is_here() -> None:
    assert set(FLAGS) == set(_POLICY_ARGS["pruner"])


@pytest.mark.parametrize("start", [0, 1])
def test_the_first_minibatch_is_dense_whatever_the_first_epoch(start: int) -> None:
    when = {"starting_epoch": start, "ending_epoch": EPOCHS, "frequency": 1}
    done = Training(schedule_of("pruner", *LEVEL, args={"skip_first_minibatch": True}, when=when))
    seen = []
    done.after_step = lambda epoch, step: seen.append((epoch, step, conv1(done)))

    done.run(EPOCHS)

    first = next((epoch, step) for epoch, step, zeros in seen if zeros)
    assert first == (start, 1)


def test_discarded_masks_leave_the_weights_to_grow() -> None:
    schedule = schedule_of(
        "pruner", *LEVEL, args={"discard_masks_at_minibatch_end": True}, when={"epochs": [0]}
    )
    done = trained(schedule)

    assert done.scheduler.masks["conv1.weight"] is None
    assert conv1(done) == 0


def test_a_pruner_of_another_parameter_keeps_its_masks_when_one_discards() -> None:
    discarding = {"discard_masks_at_minibatch_end": True}
    schedule = {
        "pruners": {
            "one": {"class": LEVEL[0], "levels": {"conv1.weight": 0.5}},
            "two": {"class": LEVEL[0], "levels": {"fc.weight": 0.5}},
        },
        "policies": [
            {
                "pruner": {"instance_name": "one", "args": discarding},
                **RANGE,
            },
            {"pruner": {"instance_name": "two"}, **RANGE},
        ],
    }
    done = trained(schedule)

    assert done.scheduler.masks["fc.weight"] is not None


def test_masks_are_computed_every_few_minibatches() -> None:
    args = {"mini_batch_pruning_frequency": 2, "mask_on_forward_only": True}
    done = Training(schedule_of("pruner", *LEVEL, args=args))
    masks = []
    done.after_step = lambda epoch, step: masks.append(done.scheduler.masks["conv1.weight"])
    done.run(2)

    numbers = range(1, 2 * STEPS)
    fresh = [number for number in numbers if masks[number] is not masks[number - 1]]
    # at an epoch's begin, and at every second of all minibatches
    assert fresh == [number for number in numbers if number % STEPS == 0 or number % 2 == 0]


def test_a_batchnorm_behind_a_filter_changes_its_rank() -> None:
    model = tiny_net()
    with torch.no_grad():
        model.conv1.weight.copy_(torch.ones(4, 1, 1, 1, 1).expand(4, 2, 3, 3, 3))
        model.bn1.weight.copy_(torch.tensor([4.0, 1.0, 3.0, 2.0]))
    schedule = schedule_of(
        "pruner",
        "L1RankedStructureParameterPruner",
        {"group_type": "Filters", "desired_sparsity": 0.5, "weights": ["conv1.weight"]},
        args={"fold_batchnorm": True},
    )
    scheduler = file_config(model, None, schedule, example_input=torch.zeros(2, 2, 3, 5, 5))
    scheduler.on_epoch_begin(0)

    mask = scheduler.masks["conv1.weight"]
    assert mask is not None
    assert mask.flatten(1).any(dim=1).tolist() == [True, False, True, False]


def test_a_regularizer_s_mask_is_kept() -> None:
    schedule = schedule_of(
        "regularizer",
        "GroupLassoRegularizer",
        {"reg_regims": {"conv2.weight": [0.05, "3D"]}, "threshold_criteria": "Mean_Abs"},
        args={"keep_mask": True},
    )
    done = trained(schedule)

    mask = done.scheduler.masks["conv2.weight"]
    assert mask is not None
    assert not bool(mask.all())


@pytest.mark.parametrize("remover", ["FilterRemover", "ChannelRemover", "StructureRemover"])
@pytest.mark.parametrize("function", ["remove_filters", "remove_channels", "contract_model"])
def test_an_extension_removes_channels(remover: str, function: str) -> None:
    group = "Filters" if function == "remove_filters" else "Channels"
    schedule = {
        "version": 1,
        "pruners": {
            "it": {
                "class": "L1RankedStructureParameterPruner",
                "group_type": group,
                "desired_sparsity": 0.5,
                "weights": ["conv1.weight"] if group == "Filters" else ["conv2.weight"],
            }
        },
        "extensions": {
            "thinner": {
                "class": remover,
                "thinning_func_str": function,
                "arch": "resnet20_cifar",
                "dataset": "cifar10",
            }
        },
        "policies": [
            {"pruner": {"instance_name": "it"}, "epochs": [0]},
            {"extension": {"instance_name": "thinner"}, "epochs": [0]},
        ],
    }
    done = trained(schedule)

    assert done.model.get_parameter("conv1.weight").shape[0] == 2
    assert done.model.get_parameter("conv2.weight").shape[1] == 2


MISUSE = """
version: 1
pruners:
  agp:
    class: AutomatedGradualPruner
    initial_sparsity: 0.1
    final_sparsity: 0.5
    weights: [conv1.weight]
lr_schedulers:
  rate:
    class: StepLR
    step_size: 2
policies:
  - pruner: {instance_name: agp}
    starting_epoch: 0
    ending_epoch: 3
    frequency: 1
"""
WRONG = [
    ("pruners:", "pruner:", r"line 2, pruner: unknown section: did you mean pruners"),
    ("AutomatedGradualPruner", "AutomatedGradualPrune", r"line 4, .*mean AutomatedGradualPruner\?"),
    ("initial_sparsity", "initial_sparity", r"line 5, .*did you mean initial_sparsity or"),
    ("[conv1.weight]", "[conv1.wieght]", r"line 7, .*did you mean conv1.weight or"),
    ("[conv1.weight]", "[type:Conv4d]", r"line 7, .*did you mean Conv3d\?"),
    ("[conv1.weight]", "['re:conv9.*']", r"line 7, .*re:conv9\.\* matches no parameter"),
    ("[conv1.weight]", "['kind:hiden']", r"line 7, .*did you mean hidden\?"),
    ("0.5", "1.5", r"line 6, .*must be at most 1"),
    ("0.5", "0.05", r"line 3, .*must exceed initial_sparsity"),
    ("StepLR", "SetpLR", r"line 10, .*did you mean StepLR\?"),
    ("step_size", "stepsize", r"line 11, .*did you mean step_size\?"),
    ("instance_name: agp", "instance_name: apg", r"line 13, .*did you mean agp\?"),
    ("frequency: 1", "frequenzy: 1", r"line 16, .*did you mean frequency\?"),
    ("frequency: 1", "frequency: 9", r"line 13, .*frequency 9 must be 1 to"),
    ("ending_epoch: 3", "ending_epoch: 0", r"line 13, .*starting_epoch < ending_epoch"),
    (
        "{instance_name: agp}",
        "{instance_name: agp, args: {keep_masks: true}}",
        r"line 13, .*did you mean keep_mask\?",
    ),
    (
        "{instance_name: agp}",
        "{instance_name: agp, args: {mask_gradients: true}}",
        r"line 13, .*mask_gradients needs mask_on_forward_only",
    ),
    (
        "{instance_name: agp}",
        "{instance_name: agp, args: {levels: {conv9.weight: 0.5}}}",
        r"line 13, .*no parameter 'conv9.weight'",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "words"), WRONG, ids=[each[1] for each in WRONG])
def test_misuse_gives_one_error_with_its_line(
    right: str, wrong: str, words: str, tmp_path: Any
) -> None:
    assert right in MISUSE
    path = tmp_path / "wrong.yaml"
    path.write_text(MISUSE.lstrip("\n").replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(ScheduleError, match=words) as caught:
        file_config(tiny_net(), None, path)

    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_errors_of_a_file_come_at_once(tmp_path: Any) -> None:
    text = MISUSE.lstrip("\n").replace("initial_sparsity", "initial_sparity")
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace("StepLR", "SetpLR").replace("ending_epoch: 3", "ending_epoch: 0"))

    with pytest.raises(ScheduleError) as caught:
        load_schedule(path)

    assert all(line in str(caught.value) for line in ("line 5", "line 10", "line 13"))


CALLS = {
    "on_minibatch_begin": (0, 0, 3),
    "before_backward_pass": (0, 0, 3, torch.zeros(())),
    "before_parameter_optimization": (0, 0, 3),
    "on_minibatch_end": (0, 0, 3),
    "on_epoch_end": (0,),
}


@pytest.mark.parametrize("callback", sorted(CALLS))
def test_a_scheduler_that_is_called_out_of_order_says_so(callback: str) -> None:
    scheduler = file_config(tiny_net(), None, {"policies": []})

    with pytest.raises(ScheduleError, match=rf"{callback}\(0\) was called at the start, where on_"):
        getattr(scheduler, callback)(*CALLS[callback])


def test_an_epoch_that_comes_twice_is_named() -> None:
    scheduler = file_config(tiny_net(), None, {"policies": []})
    scheduler.on_epoch_begin(1)
    scheduler.on_epoch_end(1)

    with pytest.raises(ScheduleError, match="epoch 1 begins after epoch 1; epochs are absolute"):
        scheduler.on_epoch_begin(1)
    assert inspect.ismethod(scheduler.on_epoch_end)
