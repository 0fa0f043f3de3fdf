"""Regularizers: terms of the loss that push weights, or structures of them, towards zero.

`base` says what one is; the policy of `policies/regularization` adds it to the loss.
"""
