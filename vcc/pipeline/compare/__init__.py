"""The page that compares registered versions: figures, origins, verdicts, differences.

Nothing is measured here: figures are those that earlier runs left in the registry and their runs.
"""
