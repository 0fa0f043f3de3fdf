"""What `predict` can write beside its table: scores over time, and videos with their labels."""
