"""What the classes of a schedule do and what their fields mean, in a line each.

A class or field of the dialect that is missing here ends the build with its name.
"""

from __future__ import annotations

CLASSES = {
    "MagnitudeParameterPruner": "Prunes weights at or below a magnitude.",
    "SparsityLevelParameterPruner": "Prunes a share of the weights, those of least magnitude.",
    "SensitivityPruner": "Prunes weights at or below s times their standard deviation, which is"
    " taken once (Han et al. 2015).",
    "AutomatedGradualPruner": "Prunes a share of the weights that grows to its final value along a"
    " cubic ramp over the policy's epochs (Zhu and Gupta 2017).",
    "SplicingPruner": "Prunes below a low threshold and revives above a high one, around mean plus"
    " s standard deviations of the magnitudes (Guo et al. 2016). Wants `mask_on_forward_only`.",
    "BaiduRNNPruner": "Prunes at or below a magnitude that rises with two slopes (Narang et al."
    " 2017); not for recurrent networks only.",
    "StructureParameterPruner": "Prunes structures whose norm is at or below a threshold.",
    "L1RankedStructureParameterPruner": "Prunes the structures of least mean magnitude.",
    "L2RankedStructureParameterPruner": "Prunes the structures of least L2 norm per element.",
    "RandomLevelStructureParameterPruner": "As by L1, with a share that is drawn anew each time.",
    "ActivationAPoZRankedFilterPruner": "Prunes the filters whose activations are most often zero,"
    " counted while training.",
    "ActivationMeanRankedFilterPruner": "Prunes the filters of least mean activation.",
    "GradientRankedFilterPruner": "Prunes the filters of least sum of weight times gradient.",
    "RandomRankedFilterPruner": "Prunes filters drawn at random.",
    "BernoulliFilterPruner": "Prunes each filter with a probability, drawn anew each time.",
    "TaylorRankedFilterPruner": "Prunes the filters without which the loss would change least, to"
    " first order, over the minibatches since the last masks (Molchanov et al. 2019). An"
    " extension.",
    "FPGMRankedFilterPruner": "Prunes the filters nearest to the layer's others (He et al. 2019)."
    " An extension.",
    "BNScaleRankedFilterPruner": "Prunes the filters of least BatchNorm scale (Liu et al. 2017). An"
    " extension.",
    "NetworkSlimmingPruner": "Prunes the channels of least BatchNorm scale, ranked over all listed"
    " layers together. An extension.",
    "L1Regularizer": "Adds strength times the sum of magnitudes to the loss.",
    "L2Regularizer": "Adds strength times the sum of squares. An extension.",
    "GroupLassoRegularizer": "Adds strength times the sum of the groups' L2 norms (Wen et al."
    " 2016).",
    "GroupVarianceRegularizer": "Adds strength divided by the variance of the channels' norms.",
    "QuantAwareTrainRangeLinearQuantizer": "Trains with linearly quantized weights and activations;"
    " ranges of activations are running means.",
    "DorefaQuantizer": "Trains with DoReFa's weights (through tanh); activations are cut at 1.",
    "WRPNQuantizer": "Trains with weights cut to -1..1; activations are cut at 1.",
    "PACTQuantizer": "DoReFa's weights; activations are cut at a bound that is trained.",
    "PostTrainLinearQuantizer": "Quantizes without training, by ranges of calibration clips.",
    "FilterRemover": "Removes masked channels from the network at the policy's epochs.",
    "ChannelRemover": "Another name of `FilterRemover`.",
    "StructureRemover": "Another name of `FilterRemover`.",
    "KnowledgeDistillation": "Adds the divergence from a teacher's answers to the loss.",
    "PolynomialLR": "Base rate times (1 - epoch / T_max) to a power. Distiller's, not torch's.",
    "MultiStepMultiGammaLR": "Multiplies the rate by each gamma whose milestone has passed.",
}

_NO_EFFECT = "accepted, no effect: it set up Distiller's integer simulation"

# A field, or `Class.field` where it means something else in that class.
FIELDS = {
    "thresholds": "name or selector -> magnitude, at least 0; `'*'` for all others must be there",
    "levels": "name or selector -> share, 0 to 1",
    "sensitivities": "name or selector -> s, at least 0",
    "SplicingPruner.sensitivities": "name or selector -> s, of any sign",
    "initial_sparsity": "share in the first active epoch, 0 to 1",
    "final_sparsity": "share in the last active epoch, above the initial one, at most 1",
    "low_thresh_mult": "factor of the low threshold, above 0",
    "hi_thresh_mult": "factor of the high threshold, above 0",
    "sensitivity_multiplier": "growth of s per epoch; 0 keeps it",
    "q": "a magnitude that most weights to be pruned stay below, at least 0",
    "ramp_epoch_offset": "epochs from the policy's start to the second slope",
    "ramp_slope_mult": "second slope divided by the first, at least 0",
    "weights": "list of parameter names or selectors",
    "reg_regims": "name or selector -> [strength, group], strength at least 0",
    "StructureParameterPruner.reg_regims": "name or selector -> [threshold, group], at least 0",
    "L1Regularizer.reg_regims": "name or selector -> strength, at least 0",
    "L2Regularizer.reg_regims": "name or selector -> strength, at least 0",
    "GroupVarianceRegularizer.reg_regims": "name or selector -> [strength, Channels]",
    "threshold_criteria": "norm by which groups at or below the strength are dropped: Max or"
    " Mean_Abs; null drops none",
    "StructureParameterPruner.threshold_criteria": "norm of a structure: Max, Mean_Abs, Mean_L1,"
    " L1, Mean_L2 or L2",
    "L1Regularizer.threshold_criteria": "any word drops weights at or below the strength",
    "group_type": "Filters or 3D (dimension 0), Channels or Rows (dimension 1), Blocks,"
    " TemporalSlices (extension: positions in time of a kernel)",
    **{
        f"{name}RankedFilterPruner{ramp}.group_type": "Filters or 3D, which are the same"
        for name in ("ActivationAPoZ", "ActivationMean", "Gradient", "Random", "FPGM", "BNScale")
        for ramp in ("", "_AGP")
    },
    **{
        f"TaylorRankedFilterPruner{ramp}.group_type": "Filters or 3D, which are the same, or"
        " TemporalSlices"
        for ramp in ("", "_AGP")
    },
    "desired_sparsity": "share of the structures to prune, 0 to 1",
    "NetworkSlimmingPruner.desired_sparsity": "share of all listed channels, 0 to 1",
    "group_dependency": "Leader: the first weight's choice for all; Coupled (extension): one choice"
    " for each group that must go together; null: each by itself",
    "kwargs": "for Blocks: `{block_shape: [repetitions, depth, 1, 1]}`",
    "noise": "probability of multiplying all scores by normal noise, 0 to 1",
    "group_size": "how many consecutive structures go together",
    "rounding_fn": "floor, ceil or round: how share times number becomes a count; null is floor",
    "sparsity_range": "[least, largest] share, each 0 to 1",
    "ranking": "layer: the share is of each layer's structures; global: of all layers' together",
    "normalizer": "for ranking: global, what makes layers comparable: mean, l2, lamp or none; null"
    " is mean",
    "most_per_layer": "largest share of one layer's structures to prune, 0 to 1",
    "bits_activations": "bits of activations; null leaves them in float",
    "bits_weights": "bits of weights; null leaves them in float",
    "bits_parameters": "bits of weights; null leaves them in float",
    "bits_bias": "bits of biases; null leaves them in float",
    "overrides": "pattern of whole module names -> settings; the first that fits counts",
    "mode": "SYMMETRIC, SYMMETRIC_RESTRICTED, ASYMMETRIC_UNSIGNED or ASYMMETRIC_SIGNED, or"
    " `{activations: mode, weights: mode}`",
    "ema_decay": "decay of the running means of ranges, 0 to 1",
    "per_channel_wts": "a scale for each output channel of a weight",
    "quantize_inputs": "quantize the input of the network",
    "num_bits_inputs": "bits of the network's input, 2 to 16; null: as activations",
    "quant_target": "runtime that the integers are for, cpu or tensorrt: it chooses modes and"
    " per-channel weights",
    "overflow": "int8 weights: safe (7 bits, right on every processor), fast (8 bits, VNNI only) or"
    " auto; null is auto with a `quant_target`, else fast",
    "act_clip_init_val": "first bound, above 0",
    "act_clip_decay": "weight decay of the bounds; null: the optimizer's",
    "clip_acts": "how ranges are cut: NONE, AVG, N_STD, GAUSS, LAPLACE, or (extensions) PERCENTILE,"
    " ENTROPY, MSE",
    "clip_n_stds": "standard deviations of N_STD, above 0",
    "clip_half_range": "the range of values that are never negative begins at 0",
    "also_clip_weights": "cut the ranges of weights too",
    "model_activation_stats": "file of statistics to take in place of calibration clips",
    "guard": "what quantization may cost on dev, `{loss: nats, top1: share}`",
    "bits_accum": _NO_EFFECT,
    "fp16": _NO_EFFECT,
    "scale_approx_mult_bits": _NO_EFFECT,
    "inputs_quant_auto_fallback": _NO_EFFECT,
    "fpq_module": _NO_EFFECT,
    "save_fp_weights": _NO_EFFECT,
    "thinning_func_str": "remove_filters; or remove_channels or contract_model: channels that no"
    " layer reads leave too",
    "arch": "not read: the structure comes from the network",
    "dataset": "not read: the example input comes from the caller",
    "temperature": "divides both networks' logits, above 0",
    "distill_weight": "weight of the divergence, at least 0",
    "student_weight": "weight of the student's own loss, at least 0",
    "teacher_weight": "0 only, as in Distiller",
    "teacher": "registered model, checkpoint, `.pth` file or options of an architecture; null: the"
    " caller's, which is the dense baseline in `compress`",
    "features": "module of the student -> module of the teacher to imitate",
    "feature_weight": "weight of that imitation, at least 0",
    "T_max": "epoch at which the rate is 0, at least 1",
    "power": "exponent, above 0",
    "milestones": "epochs, increasing",
    "gammas": "a factor for each milestone, at least 0",
}


def sentence(class_name: str) -> str:
    """Return what a class does."""
    ramped = class_name.removesuffix("_AGP")
    if ramped in CLASSES and ramped != class_name:
        return f"{CLASSES[ramped]} The share grows along the ramp of `AutomatedGradualPruner`."
    return CLASSES[class_name]


def meaning(class_name: str, field: str) -> str:
    """Return what a field of a class means."""
    return FIELDS.get(f"{class_name}.{field}") or FIELDS[field]
