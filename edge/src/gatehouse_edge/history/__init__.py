"""What the rules were told, kept for two weeks on the gateway, so that a change of rules can be rehearsed."""
