"""Thinning: masked channels leave the network for good, and its outputs stay the same.

Call `remove`; `report` says what left and what could not. Groups of channels come from `channels`,
masks from `masks`; a target of cost becomes sparsities in `targets`.
"""
