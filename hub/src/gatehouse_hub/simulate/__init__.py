"""A fleet of gateways that never existed, speaking the real wire to a real broker, which knows what it sent."""
