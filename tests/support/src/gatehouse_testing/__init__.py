"""Builders, fakes and tools for developers and tests; never shipped."""
