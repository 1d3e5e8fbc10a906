"""Boxes joined over seconds inside one camera. Pure."""
