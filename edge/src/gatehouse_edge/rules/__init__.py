"""What counts as a hazard, a count or a passage. Pure."""
