"""Decomposition: a layer becomes two or three cheaper ones, made from its own weights.

Call `decompose.decompose_`. What a form is made of is in `factors`, how its ranks are chosen in
`ranks`; `report` says what was done to each layer, what it costs now, and what was left alone.
"""
