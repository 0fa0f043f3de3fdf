"""Fields that pruners with a list of weights share: what is ranked, in what groups, how much."""

from __future__ import annotations

from vcc.compression.schedule.fields import (
    Field,
    anything,
    choice,
    integer,
    names,
    number,
    optional,
)

FRACTION = number(at_least=0, at_most=1)
RANKED_GROUPS = ("Filters", "3D", "Channels", "Rows", "Blocks", "TemporalSlices")
NORMALIZERS = ("mean", "l2", "lamp", "none")

WEIGHTS = Field(names, help="parameter names or selectors")
AGP = {"initial_sparsity": Field(FRACTION), "final_sparsity": Field(FRACTION), "weights": WEIGHTS}
DEPENDENCY = Field(
    optional(choice("Leader", "Coupled")), None, "Leader, or Coupled (extension: coupled groups)"
)
KWARGS = Field(optional(anything), None, "block_shape for the group type Blocks")
GROUP_TYPE = Field(
    choice(*RANKED_GROUPS), help="Distiller's, or TemporalSlices (extension: of 5-D weights)"
)
# for scores that are never negative: others have no share of a layer
_GLOBAL = {
    "ranking": Field(
        choice("layer", "global"),
        "layer",
        "extension: what the share is of: each layer's structures, or all layers' together",
    ),
    "normalizer": Field(
        optional(choice(*NORMALIZERS)),
        None,
        "extension: what makes layers comparable for ranking: global; mean unless given",
    ),
    "most_per_layer": Field(
        optional(FRACTION),
        None,
        "extension: largest share of one layer's structures to prune with ranking: global",
    ),
}
_RANKED = {
    "group_type": GROUP_TYPE,
    "desired_sparsity": Field(FRACTION),
    "weights": WEIGHTS,
    "group_dependency": DEPENDENCY,
    "kwargs": KWARGS,
}
LP_RANKED = {
    **_RANKED,
    "noise": Field(FRACTION, 0.0, "probability of multiplying all scores by standard normal noise"),
    "group_size": Field(integer(1), 1, "structures that are kept or pruned together"),
    "rounding_fn": Field(
        optional(choice("floor", "ceil", "round")), None, "extension: how the count is rounded"
    ),
    **_GLOBAL,
}
RANKED_AGP = {
    **AGP,
    "group_type": GROUP_TYPE,
    "group_dependency": DEPENDENCY,
    "kwargs": KWARGS,
    **_GLOBAL,
}
_FILTERS = Field(choice("Filters", "3D"), "Filters")
FILTER_RANKED = {
    "group_type": _FILTERS,
    "desired_sparsity": Field(FRACTION),
    "weights": WEIGHTS,
    "group_dependency": DEPENDENCY,
}
FILTER_RANKED_AGP = {**AGP, "group_type": _FILTERS, "group_dependency": DEPENDENCY}
CRITERION = {**FILTER_RANKED, **_GLOBAL}
CRITERION_AGP = {**FILTER_RANKED_AGP, **_GLOBAL}
TAYLOR_GROUPS = Field(choice("Filters", "3D", "TemporalSlices"), "Filters")
