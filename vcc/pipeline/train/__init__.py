"""The train step: a dense network from prepared clips, registered as the baseline.

Call `step`; `resume` says whether a training may go on, `cross_validation` trains one per fold.
"""
