"""What promotion measures and how it is judged; the command moves the alias.

`running_graph` opens what is registered, `measure` gives its figures, and `verdict` holds them
to the gate.
"""
