"""The runtimes that `provider` can name, one file each: what each can do, and how it is started.

Ask for them through `vcc.export.runtimes.catalog`. Nothing here imports a runtime before a file is
opened, since the command line reads the names of all.
"""
