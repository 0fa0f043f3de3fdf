"""Masks as state of the scheduler, the structures that they cover, and the sparsity they leave.

`store` owns them and applies them; `selection` chooses how many go, exactly.
A mask never changes the shape of a tensor: `thinning` does.
"""
