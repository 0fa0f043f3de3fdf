"""Schedules written for Distiller load, and train small networks with the names that they use."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import torch
from networks import IMAGE, N_CLASSES, NETWORKS
from schedule_fit import BASE_RATE, Fit, fit_by_schedule, shortened
from torch import nn

from vcc.compression import load_schedule
from vcc.compression.schedule.schedule import Component, PolicySpec
from vcc.compression.schedule.selectors import plain_name
from vcc.errors import ScheduleError
from vcc.models.quantized.modules import ActivationQuantizer, WeightQuantizer

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "distiller_schedules"
INDEX = FOLDER / "INDEX.csv"
ROWS = list(csv.DictReader(INDEX.open(encoding="utf-8"))) if INDEX.is_file() else []
ARCHES = {row["file"]: row["target_arch"] for row in ROWS}
# the thesis's own file is for its own networks; any network will do
TRAINED = [
    *(row["file"] for row in ROWS if row["kind"] != "ptq-config"),
    *(["thesis__linear-qat.yaml"] if ROWS else []),
]
PTQ = [row["file"] for row in ROWS if row["kind"] == "ptq-config"]

pytestmark = pytest.mark.skipif(not ROWS, reason="the schedules of Distiller are absent here")


def test_all_the_files_are_tried() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}

    assert files == {*TRAINED, *PTQ, "thesis__linear-ptq.invalid.yaml"}


# Deep networks, which take seconds; what their schedules do is in others, too.
_DEEP = ("resnet50", "resnext101", "resnet56", "filters.schedule_agp", "removal_training")


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=pytest.mark.slow if any(n in file for n in _DEEP) else ())
        for file in TRAINED
    ],
)
def test_a_schedule_trains_its_network(file: str) -> None:
    model = NETWORKS[ARCHES.get(file, "resnet20_cifar")]()

    done = fit_by_schedule(
        model, shortened(load_schedule(FOLDER / file)), image=IMAGE, n_classes=N_CLASSES
    )

    assert done.losses
    assert all(math.isfinite(loss) for loss in done.losses)
    for policy in done.schedule.policies:
        check = CHECKS.get(done.schedule.component(policy.subject, policy.instance).class_name)
        if check is not None:
            check(done, policy)
    if any(policy.subject == "lr_scheduler" for policy in done.schedule.policies):
        _check_rate(done)


@pytest.mark.parametrize("file", PTQ)
def test_a_post_training_configuration_quantizes_its_network(file: str) -> None:
    mapping = load_schedule(FOLDER / file).as_mapping()
    name, arguments = next(iter(mapping["quantizers"].items()))
    mapping["policies"] = [{"quantizer": {"instance_name": name}, "epochs": [0]}]
    model = NETWORKS["resnet18"]()

    done = fit_by_schedule(
        model,
        mapping,
        image=IMAGE,
        n_classes=N_CLASSES,
        calibration=lambda: [torch.randn(4, *IMAGE) for _ in range(2)],
    )

    found = [part for part in model.modules() if isinstance(part, ActivationQuantizer)]
    assert found
    assert {part.bits for part in found} == {arguments["bits_activations"]}
    assert all(math.isfinite(loss) for loss in done.losses)


def test_a_file_that_is_no_yaml_gives_one_error_with_its_line() -> None:
    with pytest.raises(ScheduleError, match=r"invalid\.yaml:\d+: not valid YAML: .+indentation"):
        load_schedule(FOLDER / "thesis__linear-ptq.invalid.yaml")


@pytest.mark.parametrize("file", [*TRAINED, *PTQ])
def test_a_schedule_survives_the_way_to_yaml_and_back(file: str, tmp_path: Path) -> None:
    schedule = load_schedule(FOLDER / file)
    copy = tmp_path / "copy.yaml"
    copy.write_text(schedule.to_yaml(), encoding="utf-8")

    assert load_schedule(copy) == schedule


def _part(done: Fit, policy: PolicySpec) -> Component:
    return done.schedule.component(policy.subject, policy.instance)


def _named(done: Fit, names: tuple[str, ...]) -> dict[str, str]:
    """Return a schedule's names -> the network's."""
    known = {plain_name(name): name for name in done.shapes_before}
    return {name: known[plain_name(name)] for name in names}


def _check_agp(done: Fit, policy: PolicySpec) -> None:
    part = _part(done, policy)
    for name in _named(done, part.args["weights"]).values():
        weight, mask = done.weights[name], done.scheduler.masks[name]
        assert mask is not None
        wanted = int(part.args["final_sparsity"] * mask.numel())
        assert int((~mask).sum()) == wanted
        assert int((weight == 0).sum()) >= wanted


def _check_sensitivity(done: Fit, policy: PolicySpec) -> None:
    for name in _named(done, tuple(_part(done, policy).args["sensitivities"])).values():
        mask = done.scheduler.masks[name]
        assert mask is not None
        assert 0 < int((~mask).sum()) < mask.numel()
        assert bool((done.weights[name][~mask] == 0).all())


def _check_filters(done: Fit, policy: PolicySpec) -> None:
    """What is not read by a sum leaves exactly as many filters as the schedule asks for."""
    part = _part(done, policy)
    share = part.args.get("final_sparsity", part.args.get("desired_sparsity"))
    times = sum(policy.instance == other.instance for other in done.schedule.policies)
    for name in _named(done, part.args["weights"]).values():
        now, left = done.weights[name].shape, done.shapes_before[name]
        if part.args["group_type"] != "Filters":
            mask = done.scheduler.masks[name]
            assert mask is not None
            gone = int((~mask.any(dim=0)).sum())
            assert gone == int(share * left[1])
        elif "conv2" not in name and "downsample" not in name:
            n = left[0]
            for _ in range(times):
                n -= int(share * n)
            assert now[0] == n


def _check_drop_filter(done: Fit, policy: PolicySpec) -> None:
    for name in _named(done, _part(done, policy).args["weights"]).values():
        assert done.scheduler.masks[name] is None
        assert int((done.weights[name] == 0).sum()) == 0


def _check_regularizer(done: Fit, policy: PolicySpec) -> None:
    part = _part(done, policy)
    terms = done.components[f"{part.class_name}_loss"]
    assert len(terms) == 3 * len(policy.epochs.epochs)
    assert all(math.isfinite(term) and term > 0 for term in terms)
    if policy.args.get("keep_mask") and part.args.get("threshold_criteria"):
        for name in _named(done, tuple(part.args["reg_regims"])).values():
            mask = done.scheduler.masks[name]
            assert mask is not None
            assert bool((done.weights[name][~mask] == 0).all())


def _check_clipped(done: Fit, policy: PolicySpec) -> None:
    part = _part(done, policy)
    modules = dict(done.model.named_modules())
    for name, module in modules.items():
        if isinstance(module, nn.Conv2d | nn.Linear):
            quantized = any(isinstance(child, WeightQuantizer) for child in module.children())
            assert quantized == (name not in part.args["overrides"]), name
    bits = {m.bits for m in modules.values() if isinstance(m, WeightQuantizer)}
    assert bits == {part.args["bits_weights"]}


def _check_qat(done: Fit, policy: PolicySpec) -> None:
    layers = [m for m in done.model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    weights = [m for m in done.model.modules() if isinstance(m, WeightQuantizer)]
    assert len(weights) >= len(layers)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in done.model.modules())


def _check_rate(done: Fit) -> None:
    """The rate is what the scheduler's formula gives for the epoch after its last one."""
    policy = next(item for item in done.schedule.policies if item.subject == "lr_scheduler")
    part, epoch = _part(done, policy), policy.epochs.last + 1
    factors = {
        "StepLR": lambda: part.args["gamma"] ** (epoch // part.args["step_size"]),
        "ExponentialLR": lambda: part.args["gamma"] ** epoch,
        "MultiStepLR": lambda: part.args["gamma"] ** _passed(part, epoch),
        "MultiStepMultiGammaLR": lambda: math.prod(part.args["gammas"][: _passed(part, epoch)]),
        "ReduceLROnPlateau": lambda: 1.0,
    }
    rate = done.optimizer.param_groups[0]["lr"]
    assert rate == pytest.approx(BASE_RATE * factors[part.class_name]())


def _passed(part: Component, epoch: int) -> int:
    return sum(epoch >= milestone for milestone in part.args["milestones"])


CHECKS = {
    "AutomatedGradualPruner": _check_agp,
    "SensitivityPruner": _check_sensitivity,
    "L1RankedStructureParameterPruner": _check_filters,
    "L1RankedStructureParameterPruner_AGP": _check_filters,
    "ActivationAPoZRankedFilterPruner_AGP": _check_filters,
    "RandomLevelStructureParameterPruner": _check_drop_filter,
    "BernoulliFilterPruner_AGP": _check_drop_filter,
    "GroupLassoRegularizer": _check_regularizer,
    "GroupVarianceRegularizer": _check_regularizer,
    "DorefaQuantizer": _check_clipped,
    "PACTQuantizer": _check_clipped,
    "QuantAwareTrainRangeLinearQuantizer": _check_qat,
}
