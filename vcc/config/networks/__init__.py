"""What families of networks have in common where no network is needed: options and short names.

The families themselves register in `vcc.models.families`; options classes take their fields from
`fields`.
"""
