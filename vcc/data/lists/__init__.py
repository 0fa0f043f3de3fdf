"""Lists of path and label as people write them: encoding, cells, columns, labels, subsets.

`path_lists` is the form that is registered; the others are its parts.
"""
