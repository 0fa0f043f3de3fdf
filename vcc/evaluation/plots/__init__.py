"""Figures of accuracy, cost, training, sensitivity and studies, one file per subject.

`style` has what all share: colours, saving, sizes.
"""
