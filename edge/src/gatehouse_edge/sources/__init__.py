"""Where frames and readings come from. I/O."""
