"""Entry point `doctor`: what this machine can run, and why not the rest."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import DoctorEntry


def main(options: DoctorEntry) -> None:
    """Print one line per finding; fail when something must be mended."""
    if options.model:
        from vcc.pipeline.admission.doctor import admit

        admit(options)
        return
    # Imported here: `--help` must not wait for torch and ONNX Runtime.
    from vcc.pipeline.commands.doctor import run_doctor

    run_doctor()


if __name__ == "__main__":
    run_entry_point(DoctorEntry, main, name="doctor")
