"""The networks, one file per family: names, shapes and outputs of the published code.

Build them through `vcc.models.catalog`, which knows their options.
"""
