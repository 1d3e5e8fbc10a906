"""Door in: messages from gateways."""
