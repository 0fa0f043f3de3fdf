"""Fills a frame store: every planned video, by as many processes as there are cores."""

from __future__ import annotations

import logging
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from vcc.config.data import PrepareOptions
from vcc.data.decoding.reading import Reading
from vcc.data.prepare.build_plan import store_path
from vcc.data.prepare.convert import ConvertJob, ConvertResult
from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.outcome import KeptVideo
from vcc.data.prepare.plan import Plan, name_below
from vcc.data.prepare.workers import convert_all
from vcc.data.store.files import SUFFIX
from vcc.data.store.manifest import FRAMES_NAME
from vcc.errors import DataError, one_line
from vcc.progress import follow

logger = logging.getLogger(__name__)


def fill_store(
    options: PrepareOptions, plan: Plan, output: Path, kind: str, *, videos: Path
) -> tuple[list[KeptVideo], list[BadFile], int]:
    """Decode, scale and store every planned video that is not there yet.

    Args:
        options: size, quality, frame rate and workers.
        plan: which videos.
        output: folder of the data set.
        kind: of the store.
        videos: the folder of videos, below which files are named.

    Returns:
        The videos that are in the store, the bad files (those of the plan too), and how many
        videos an earlier call had stored.

    Raises:
        DataError: the store cannot be written, or a worker was killed.
    """
    files = [Path(FRAMES_NAME) / store_path(video, kind, suffix=SUFFIX) for video in plan.videos]
    jobs = [
        ConvertJob(
            number=number,
            source=video.path.absolute(),
            target=(output / file).absolute(),
            kind=kind,
            short_side=options.short_side,
            jpeg_quality=options.jpeg_quality,
            reading=Reading(fps=options.fps, min_decoded_share=options.min_decoded_share),
        )
        for number, (video, file) in enumerate(zip(plan.videos, files, strict=True))
    ]
    results: dict[int, ConvertResult] = {}
    try:
        converted = convert_all(options, jobs)
        for result in follow(converted, "prepare", total=len(jobs), unit="videos"):
            results[result.number] = result
    except OSError as error:
        msg = (
            f"{output}: cannot write the store ({error.strerror or error}); "
            "make room or give another folder with output=DIR, then run again to continue"
        )
        raise DataError(msg) from None
    except BrokenProcessPool as error:
        msg = (
            f"{output}: a worker process was killed ({one_line(error, at_most=120)}); with "
            "too little memory set n_jobs=1, then run again to continue"
        )
        raise DataError(msg) from None
    done: list[KeptVideo] = []
    bad = list(plan.bad)
    for number, video in enumerate(plan.videos):
        result, name = results[number], name_below(video.path, videos)
        if result.stored is None:
            bad.append(BadFile(name, result.reason))
        else:
            done.append(KeptVideo(video, result.stored, files[number], name))
            if result.stored.cut:
                logger.warning("%s: cut or damaged: %s", video.path, result.stored.cut)
    return done, bad, sum(result.reused for result in results.values())
