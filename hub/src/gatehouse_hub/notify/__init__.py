"""Doors out: one file per channel."""
