"""What a bundle registers: the folder that it makes of an exported file."""

from __future__ import annotations

import abc
import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from vcc.errors import ExportError
from vcc.export.bundles.containers import COMPOSE_FILE, compose_of_script

if TYPE_CHECKING:
    from vcc.export.served_facts import ServedFacts

FACTS_FILE, LABELS_FILE, SCRIPT_FILE = "bundle.json", "labels.txt", "infer.py"


class Bundle(abc.ABC):
    """A folder that runs a network without vcc; registered as a class, made without arguments.

    Attributes:
        title: what it is, for the model card.
        usage: Markdown that says how it is used.
        int8_targets: runtimes whose integers it can hold.
    """

    title: ClassVar[str]
    usage: ClassVar[str]
    int8_targets: ClassVar[tuple[str, ...]] = ("cpu",)

    @abc.abstractmethod
    def write(self, file: Path, facts: ServedFacts, folder: Path) -> None:
        """Write the bundle's files into an empty folder.

        Args:
            file: the exported ONNX file.
            facts: what it says about its classes and clips.
            folder: is there, and empty.

        Raises:
            ExportError: the file cannot be had in this form.
        """


def write_labels(facts: ServedFacts, folder: Path) -> None:
    """Write the class names, one a line, in the order of the logits.

    Raises:
        ExportError: a name has a line break.
    """
    broken = next((label for label in facts.labels if len(label.splitlines()) != 1), None)
    if broken is not None:
        msg = f"bundle: the class {broken!r} has a line break, and {LABELS_FILE} has one a line"
        raise ExportError(msg)
    text = "".join(f"{label}\n" for label in facts.labels)
    (folder / LABELS_FILE).write_text(text, encoding="utf-8")


def write_script(facts: ServedFacts, folder: Path, *, package: str, load: str, run: str) -> None:
    """Write infer.py, which classifies videos with one runtime, what it reads, and a compose file.

    Args:
        facts: how clips are made.
        folder: of the bundle.
        package: the runtime, as it is imported and installed.
        load: statement that opens the file beside the script, which lies in `HERE`, once.
        run: expression of the logits [1, C] of `pixels`, float32 [1, 3, T, H, W].

    Raises:
        ExportError: videos are resampled for the network, which the script does not do.
    """
    import jinja2

    if facts.fps:
        msg = (
            f"bundle: the network takes videos at {facts.fps:g} frames a second, and the bundle's "
            f"{SCRIPT_FILE} does not resample them: use `predict`, or prepare without fps"
        )
        raise ExportError(msg)
    # Python's code is no HTML: nothing of a file gets into it.
    template = jinja2.Template(  # noqa: S701
        Path(__file__).with_name("infer.py.j2").read_text("utf-8"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    text = template.render(package=package, load=load, run=run)
    (folder / SCRIPT_FILE).write_text(text, encoding="utf-8")
    (folder / COMPOSE_FILE).write_text(compose_of_script(package), encoding="utf-8")
    write_facts(facts, folder)


def write_facts(facts: ServedFacts, folder: Path) -> None:
    """Write bundle.json: how a video becomes clips, and the class names."""
    clip = facts.clip
    said = {
        "labels": list(facts.labels),
        "size": clip.sample_size,
        "frames": clip.sample_duration,
        "stride": clip.downsample,
        "fps": facts.fps,
        "stored_side": facts.short_side,
        "scaled_side": int(clip.sample_size / clip.scale_in_test),
        "crop": clip.crop_position_in_test,
    }
    (folder / FACTS_FILE).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
