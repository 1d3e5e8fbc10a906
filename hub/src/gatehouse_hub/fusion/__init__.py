"""Counts to occupancy. Pure."""
