"""The compress step: train plus a schedule, phase by phase, registered as the challenger.

Call `step`. `recipe` joins schedule, clips, targets and teacher; `resume` goes on where it was.
"""
