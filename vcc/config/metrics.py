"""The names of all logged figures, with unit and meaning: one list for every entry point.

Runs are compared by these names, so a figure has one name wherever it is logged. A test reads what
a run logged against this list and docs/tracking.md against it.
"""

from __future__ import annotations

# name -> (unit, meaning). "share" is 0..1.
METRICS: dict[str, tuple[str, str]] = {
    # accuracy on the test videos; in a training run the same with `dev_` in front
    "video_top1": ("share", "videos whose highest mean score is their label's"),
    "video_top5": ("share", "videos with their label among the five highest mean scores"),
    "clip_top1": ("share", "clips whose highest logit is their label's"),
    "loss": ("nats", "mean cross-entropy of the clips"),
    "ece": ("share", "expected calibration error of the videos' scores, 15 bins"),
    "test_videos": ("videos", "how many videos the accuracy was measured on"),
    # cross-validation: video_top1 is then the mean over folds
    "folds": ("folds", "parts of the data, each tested by a network trained on the others"),
    "video_top1_low": ("share", "lower end of video_top1's 95 % interval, Student's t over folds"),
    "video_top1_high": ("share", "upper end of it"),
    "video_top1_pooled": ("share", "videos of all folds together that are right"),
    "largest_class_top1": (
        "share",
        "always naming the largest class of all videos: the mean over folds",
    ),
    "resolution_top1": ("share", "naming each resolution's most frequent class there: the mean"),
    # against the dense parent, on the same videos
    "video_top1_drop": ("share", "video_top1 of the dense network minus this one's"),
    "videos_lost": ("videos", "videos that the dense network had right and this one has wrong"),
    "videos_gained": ("videos", "videos that the dense network had wrong and this one has right"),
    "mcnemar_p": ("probability", "exact McNemar test of videos_lost against videos_gained"),
    "speedup": ("ratio", "latency_p50_ms of the dense file divided by this one's, same run"),
    "speedup_per_video": ("ratio", "the same of latency_p50_ms times clips_per_video"),
    # size and cost
    "params": ("parameters", "number of parameters"),
    "macs": ("operations", "multiply-accumulates of one clip, of the network's own size"),
    "macs_ratio": ("ratio", "macs of the dense network on its own clips divided by this one's"),
    "clips_per_video": ("clips", "clips that a test video is cut into, the mean"),
    "macs_per_video": ("operations", "macs times clips_per_video"),
    "sparsity": ("share", "zeros among the weights of convolutions and linear layers"),
    "size_bytes": ("bytes", "size of the exported file"),
    "latency_p50_ms": ("ms", "median time of one run of the exported file"),
    "latency_p90_ms": ("ms", "90th percentile of it"),
    "latency_p95_ms": ("ms", "95th percentile of it"),
    "latency_p99_ms": ("ms", "99th percentile of it"),
    "clips_per_second": ("clips/s", "clips in a batch divided by latency_p50_ms"),
    # exported file against network
    "parity_max_difference": ("logits", "largest difference of a logit, file against network"),
    "parity_mean_difference": ("logits", "mean absolute difference of logits"),
    "parity_top1_agreement": ("share", "clips on which both name the same class"),
    "parity_levels": (
        "levels",
        "largest difference of an int8 value from exact sums of the same inputs: 1 is rounding",
    ),
    "int8_layers": ("layers", "convolutions and linear layers that run in int8"),
    "layers": ("layers", "convolutions and linear layers in all, of a quantized file"),
    # training, once per epoch
    "train_loss": ("nats", "mean cross-entropy of the epoch's training clips"),
    "train_clip_top1": ("share", "training clips that were right while training"),
    "learning_rate": ("1", "of the first parameter group, at the end of the epoch"),
    "epoch_seconds": ("s", "time of the epoch, validation included"),
    "data_seconds": ("s", "of the epoch, waiting for training clips"),
    "step_seconds": ("s", "of the epoch, training steps with the clips"),
    "data_share": ("share", "data_seconds of data_seconds and step_seconds together"),
    # compression, once per epoch and once after the last, for the network that is kept
    "filter_sparsity": ("share", "filters of convolutions and linear layers that are all zero"),
    "active_policies": ("policies", "how many of the schedule's policies acted in the epoch"),
    # data and runs
    "videos_train": ("videos", "videos to train on"),
    "videos_dev": ("videos", "videos to choose by"),
    "videos_test": ("videos", "videos looked at last"),
    "seconds": ("s", "time of the whole step"),
    # sensitivity
    "proposed_sparsity": ("share", "zeros of the analysed weights if each layer took its proposal"),
    # search; in its run dev_video_top1 is the dense network's
    "predicted_latency_ms": ("ms", "latency_p50_ms by the table of layers' times"),
    "predicted_macs_share": ("share", "macs of what the dense network has"),
    "predicted_size_mb": ("MB", "size of the exported file by its weights"),
    "settled_top1": ("share", "dev_video_top1 of a trial before it is trained"),
    "latency_error": ("share", "median error of predicted_latency_ms against measured times"),
    "latency_error_max": ("share", "the largest such error"),
    # guarded post-training quantization
    "ptq_loss_float": ("nats", "loss on dev before quantization"),
    "ptq_loss_quantized": ("nats", "loss on dev with every layer quantized"),
    "ptq_loss_guarded": ("nats", "loss on dev as the guard left the network"),
    "ptq_top1_float": ("share", "dev video top-1 before quantization"),
    "ptq_top1_guarded": ("share", "dev video top-1 as the guard left the network"),
    "ptq_layers_float": ("layers", "layers that the guard returned to float"),
    # predict
    "videos": ("videos", "video files that were found"),
    "videos_bad": ("videos", "of those, files that could not be classified"),
}

# Families of names: prefix -> (unit, meaning).
METRIC_PREFIXES: dict[str, tuple[str, str]] = {
    "dev_": ("as without dev_", "the same figure on the dev videos"),
    "loss_": ("nats", "a term that a schedule's policy added to the loss, by the policy's name"),
    "layer_sparsity.": ("share", "zeros among a layer's weights, by the layer's name"),
    "runtime_ms.": ("ms", "median time of one run, by network, runtime, precision and batch"),
    "runtime_mb.": ("MB", "memory of the process for loading and running it, by the same"),
    "sensitivity.": ("share", "dev video top-1 with that layer pruned; step is its sparsity in %"),
    "clip_sensitivity.": (
        "share",
        "dev video top-1 on such clips, not trained for them, all clips of a video",
    ),
    "perturbed_top1.": ("share", "video_top1 on changed test videos, by how they are changed"),
    "system/": ("by name", "MLflow's own figures of processor, memory, disk and network"),
}
