"""Models behind manifests, run in a process of their own."""
