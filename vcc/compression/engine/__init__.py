"""What runs a schedule: the scheduler, its callbacks and phases, and what builds its parts.

Call `builder` to join a schedule and a network, `driver` to run its phases. This is the top room of
compression: the methods do not import it, except for what builds them.
"""
