"""Training of a pixel classifier by Lightning's Trainer."""
