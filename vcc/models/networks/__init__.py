"""The layers of every family: names, shapes and outputs of the published code.

Built through `vcc.models.catalog`; what each can be told is declared in `vcc.models.families`.
"""
