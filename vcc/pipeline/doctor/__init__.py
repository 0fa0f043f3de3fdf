"""Whether registry, stored files and prepared data fit together, and the command that mends it.

Nothing here changes anything.
"""
