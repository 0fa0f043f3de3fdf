"""Admission by itself: `doctor -P model=...` prints the table of a network with fresh weights."""

from __future__ import annotations

from vcc.cli import say
from vcc.config.entrypoints import DoctorEntry
from vcc.models import arch_name, build_model
from vcc.pipeline.admission.checklist import admission


def admit(options: DoctorEntry) -> None:
    """Print what becomes of a network, line by line.

    Raises:
        ModelError: there is no such network, or it is not admitted.
    """
    network = build_model(
        options.model,
        n_classes=options.n_classes,
        sample_size=options.sample_size,
        sample_duration=options.sample_duration,
        **options.build_options(),
    )
    say(f"{'network':20}{arch_name(network.spec)}")
    for name, words in admission(network):
        say(f"{name:20}{words}")
