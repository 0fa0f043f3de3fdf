"""Entry point `doctor`: what this machine can run, and whether the registry fits together."""

from __future__ import annotations

from vcc.cli import run_entry_point
from vcc.config.entrypoints import DoctorEntry


def main(options: DoctorEntry) -> None:
    """Print one line per finding; fail when something must be mended."""
    if options.model:
        from vcc.pipeline.admission.doctor import admit

        admit(options)
        return
    if options.check == "registry":
        from vcc.pipeline.doctor.registry_check import check_registry

        check_registry(options.root_path)
        return
    # Imported here: `--help` must not wait for torch and ONNX Runtime.
    from vcc.pipeline.commands.doctor import run_doctor

    run_doctor()


if __name__ == "__main__":
    run_entry_point(DoctorEntry, main, name="doctor")
