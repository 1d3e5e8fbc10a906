"""Door in: people and integrators."""
