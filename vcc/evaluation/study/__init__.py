"""What a study keeps of each cell, and what its cells say together."""
