"""Decides which frames are worth inferring."""
