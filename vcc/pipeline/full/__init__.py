"""The whole path: prepare, train, compress, evaluate, export, register, and one report.

Call `step`; `estimate` says first how long it will take.
"""
