"""The workflow of the desk. Pure."""
