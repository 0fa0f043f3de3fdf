"""The thesis's option names: which are other words for ours, and which mean nothing any more.

Users of the 2020 project type these from memory or from old scripts. An alias is accepted wherever
its canonical option is; a refused option is an error that says why and what to use.
"""

from __future__ import annotations

ALIASES = {
    "video_path": "videos",
    "annotation_path": "annotation",
    "result_path": "results",
    "compression_file": "schedule",
}

REFUSED = {
    "store_name": "MLflow names runs: use run_name",
    "begin_epoch": "a resumed run knows its epoch: use resume_path",
}

# Options with one value left: given so, they change nothing; given otherwise, they are refused.
SETTLED = {
    "modality": ("RGB", "only RGB videos are read"),
    "compress": ("true", "the compress entry point always compresses"),
    "kd_teacher_wt": ("0.0", "Distiller refused a teacher weight other than 0 too"),
}
