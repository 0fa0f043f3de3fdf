"""What folders and names of files say of a video: its class, its subset, what it belongs to."""
