"""Events to incidents, with reasons. Pure."""
