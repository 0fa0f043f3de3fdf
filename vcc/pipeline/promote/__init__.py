"""What promotion measures and how it is judged; the command moves the alias.

`graph` opens what is registered, `measure` gives its figures, `judge` holds them to the gate.
"""
