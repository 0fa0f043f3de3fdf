"""What a search can turn beside filters and ranks: precision by stage, clips, the stem in time."""
