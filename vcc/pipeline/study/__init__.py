"""The study: every cell of a matrix that is not there yet, then one report of all.

Call `step`; a finished `cell` is never computed again.
"""
