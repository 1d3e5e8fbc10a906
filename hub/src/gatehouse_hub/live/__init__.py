"""Door out: what changed, to the console."""
