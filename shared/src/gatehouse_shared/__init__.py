"""The wire of Gatehouse: what may be sent, and nothing else."""
