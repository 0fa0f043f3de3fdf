"""What each entry point does: it opens the run, takes the steps and says what came out.

One module per entry point, with the same name; nothing else imports them.
"""
