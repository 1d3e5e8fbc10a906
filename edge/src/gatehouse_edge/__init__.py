"""The agent on a gateway: sources -> gate -> inference -> tracking -> rules -> outbox -> transport."""
