"""One file per cause: load, decide, save, tell."""
