"""The search: what to take from where so that a target holds and dev accuracy is highest.

Call `step`. `space` says what a candidate is, `structure` builds it, `prices` says what it costs,
`judge` what it answers, `trials` asks Optuna for the next, `finalists` makes the best in full.
`knobs` are what a candidate has beside filters and ranks.
"""
