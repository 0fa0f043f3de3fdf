"""Knowledge distillation: what a student learns from a teacher beside the labels.

`losses` compares outputs and features; the policy of `policies/distillation` adds them to the loss.
"""
