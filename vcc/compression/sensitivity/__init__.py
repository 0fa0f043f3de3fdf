"""Sensitivity: how much of each layer can go, measured one layer at a time.

`curves` measures by a callable that `vcc.pipeline` gives; `summary` is the CSV
that a schedule comes from.
"""
