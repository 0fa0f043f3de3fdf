"""The families of networks, one file each: what one can be told, and which network that makes.

Build them through `vcc.models.catalog`. Nothing here imports torch before a network is built, since
the command line reads the options of all.
"""
