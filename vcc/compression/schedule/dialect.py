"""Every class of the dialect with its arguments: the table that the loader checks against.

Arguments are Distiller's (docs/schedules*.md); ours are marked as extensions in their help.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcc.compression.schedule.fields import (
    Field,
    anything,
    choice,
    integer,
    list_of,
    number,
    optional,
    row,
    table,
    text,
)
from vcc.compression.schedule.quantizer_fields import QUANTIZERS
from vcc.compression.schedule.ranked_fields import (
    AGP,
    CRITERION,
    CRITERION_AGP,
    DEPENDENCY,
    FILTER_RANKED,
    FILTER_RANKED_AGP,
    FRACTION,
    GROUP_TYPE,
    KWARGS,
    LP_RANKED,
    RANKED_AGP,
    TAYLOR_GROUPS,
    WEIGHTS,
)

LASSO_GROUPS = (
    "2D",
    "3D",
    "4D",
    "Filters",
    "Channels",
    "Rows",
    "Cols",
    "Rows+Cols",
    "Cols+Rows",
    "Channels+4D",
    "4D+Channels",
    "Filters+4D",
    "4D+Filters",
)
THRESHOLD_GROUPS = ("2D", "3D", "Filters", "Channels", "Rows", "Cols")
THRESHOLD_CRITERIA = ("Max", "Mean_Abs", "Mean_L1", "L1", "Mean_L2", "L2")

# torch's schedulers whose arguments are functions or other schedulers: not expressible in YAML
_NOT_EXPRESSIBLE = {
    "LambdaLR",
    "MultiplicativeLR",
    "SequentialLR",
    "ChainedScheduler",
    "LRScheduler",
}


@dataclass(frozen=True)
class ClassSpec:
    """A class of the dialect: the section that defines it and its arguments."""

    section: str
    fields: Mapping[str, Field]


PRUNERS = {
    "MagnitudeParameterPruner": {"thresholds": Field(table(number(at_least=0)))},
    "SparsityLevelParameterPruner": {"levels": Field(table(FRACTION))},
    "SensitivityPruner": {"sensitivities": Field(table(number(at_least=0)))},
    "AutomatedGradualPruner": AGP,
    "SplicingPruner": {
        "sensitivities": Field(table(number())),
        "low_thresh_mult": Field(number(above=0)),
        "hi_thresh_mult": Field(number(above=0)),
        "sensitivity_multiplier": Field(number(at_least=0), 0.0),
    },
    "BaiduRNNPruner": {
        "q": Field(number(at_least=0)),
        "ramp_epoch_offset": Field(integer(0)),
        "ramp_slope_mult": Field(number(at_least=0)),
        "weights": WEIGHTS,
    },
    "StructureParameterPruner": {
        "reg_regims": Field(table(row(number(at_least=0), choice(*THRESHOLD_GROUPS)))),
        "threshold_criteria": Field(choice(*THRESHOLD_CRITERIA)),
    },
    "L1RankedStructureParameterPruner": LP_RANKED,
    "L2RankedStructureParameterPruner": LP_RANKED,
    "RandomLevelStructureParameterPruner": {
        "group_type": GROUP_TYPE,
        "sparsity_range": Field(list_of(FRACTION, 2)),
        "weights": WEIGHTS,
        "group_dependency": DEPENDENCY,
        "kwargs": KWARGS,
    },
    "ActivationAPoZRankedFilterPruner": FILTER_RANKED,
    "ActivationMeanRankedFilterPruner": FILTER_RANKED,
    "GradientRankedFilterPruner": FILTER_RANKED,
    "RandomRankedFilterPruner": FILTER_RANKED,
    "BernoulliFilterPruner": FILTER_RANKED,
    "L1RankedStructureParameterPruner_AGP": RANKED_AGP,
    "L2RankedStructureParameterPruner_AGP": RANKED_AGP,
    "ActivationAPoZRankedFilterPruner_AGP": FILTER_RANKED_AGP,
    "ActivationMeanRankedFilterPruner_AGP": FILTER_RANKED_AGP,
    "GradientRankedFilterPruner_AGP": FILTER_RANKED_AGP,
    "RandomRankedFilterPruner_AGP": FILTER_RANKED_AGP,
    "BernoulliFilterPruner_AGP": FILTER_RANKED_AGP,
    "TaylorRankedFilterPruner": {**CRITERION, "group_type": TAYLOR_GROUPS},
    "TaylorRankedFilterPruner_AGP": {**CRITERION_AGP, "group_type": TAYLOR_GROUPS},
    "FPGMRankedFilterPruner": CRITERION,
    "FPGMRankedFilterPruner_AGP": CRITERION_AGP,
    "BNScaleRankedFilterPruner": CRITERION,
    "BNScaleRankedFilterPruner_AGP": CRITERION_AGP,
    "NetworkSlimmingPruner": {
        "desired_sparsity": Field(
            FRACTION, help="extension: share of all listed channels, ranked together"
        ),
        "most_per_layer": Field(FRACTION, 1.0, "largest share of one layer's channels to prune"),
        "weights": WEIGHTS,
    },
}

_REGIMS = Field(table(row(number(at_least=0), choice(*LASSO_GROUPS))))
REGULARIZERS = {
    "L1Regularizer": {
        "reg_regims": Field(table(number(at_least=0))),
        "threshold_criteria": Field(optional(text), None),
    },
    "L2Regularizer": {
        "reg_regims": Field(table(number(at_least=0)), help="extension: strength * sum of squares")
    },
    "GroupLassoRegularizer": {
        "reg_regims": _REGIMS,
        "threshold_criteria": Field(optional(choice("Max", "Mean_Abs")), None),
    },
    "GroupVarianceRegularizer": {
        "reg_regims": Field(table(row(number(at_least=0), choice("Channels"))))
    },
}

_THINNER = {
    "thinning_func_str": Field(
        choice("remove_filters", "remove_channels", "contract_model"), "remove_filters"
    ),
    "arch": Field(optional(anything), None, "ignored: the structure is read from the network"),
    "dataset": Field(optional(anything), None, "ignored: the example input comes from the caller"),
}
EXTENSIONS = {
    "FilterRemover": _THINNER,
    "ChannelRemover": _THINNER,
    "StructureRemover": _THINNER,
}

_TEACHER = (
    "model",
    "path",
    "model_depth",
    "resnet_shortcut",
    "model_type",
    "resnext_cardinality",
    "groups",
    "version",
    "width_mult",
    "n_classes",
    "sample_size",
    "sample_duration",
)


def _teacher(value: Any) -> Any:
    if isinstance(value, str):
        return value
    options = table(anything)(value)
    for key in options:
        choice(*_TEACHER)(key)
    return options


DISTILLERS = {
    "KnowledgeDistillation": {
        "temperature": Field(number(above=0), 4.0),
        "distill_weight": Field(number(at_least=0), 0.7),
        "student_weight": Field(number(at_least=0), 0.3),
        "teacher_weight": Field(number(at_least=0, at_most=0), 0.0),
        "teacher": Field(
            optional(_teacher),
            None,
            "registered model, checkpoint, or options of an architecture; None: the caller's",
        ),
        "features": Field(
            optional(table(text)), None, "student module -> teacher module to imitate"
        ),
        "feature_weight": Field(number(at_least=0), 0.0),
    }
}

OWN_LR_SCHEDULERS = {
    "PolynomialLR": {"T_max": Field(integer(1)), "power": Field(number(above=0))},
    "MultiStepMultiGammaLR": {
        "milestones": Field(list_of(integer(0))),
        "gammas": Field(list_of(number(at_least=0))),
    },
}


@functools.cache
def classes() -> dict[str, ClassSpec]:
    """Return every class that a schedule may name."""
    sections = {
        "pruners": PRUNERS,
        "regularizers": REGULARIZERS,
        "quantizers": QUANTIZERS,
        "extensions": EXTENSIONS,
        "distillers": DISTILLERS,
        "lr_schedulers": {**_torch_lr_schedulers(), **OWN_LR_SCHEDULERS},
    }
    return {
        name: ClassSpec(section, fields)
        for section, members in sections.items()
        for name, fields in members.items()
    }


def _torch_lr_schedulers() -> dict[str, dict[str, Field]]:
    from torch.optim import lr_scheduler

    found = {}
    for name, member in vars(lr_scheduler).items():
        scheduler = inspect.isclass(member) and issubclass(member, lr_scheduler.LRScheduler)
        if scheduler and not name.startswith("_") and name not in _NOT_EXPRESSIBLE:
            found[name] = _signature_fields(member)
    return found


def _signature_fields(cls: type) -> dict[str, Field]:
    fields = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if name in ("optimizer", "last_epoch") or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.default is parameter.empty:
            fields[name] = Field(anything)
        else:
            fields[name] = Field(anything, parameter.default)
    # older torch had it, older schedules set it
    return {**fields, "verbose": Field(anything, None)}
