"""Which channels of a network go together, and which of them may leave.

`trace` reads the groups off one pass of the network; the other files answer questions about them.
Nothing here masks or removes: that is the business of `masks` and `thinning`.
"""
