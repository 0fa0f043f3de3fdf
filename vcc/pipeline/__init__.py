"""The steps behind the entry points: data, training, compression, export and tracking joined."""
