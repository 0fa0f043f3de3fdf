"""Regularizers: terms of the loss that push weights, or structures of them, towards zero.

`terms` holds all of them; the policy of `policies/regularization` adds them to the loss.
"""
