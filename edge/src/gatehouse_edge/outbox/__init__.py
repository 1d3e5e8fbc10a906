"""Durable queue of accepted events. I/O."""
