"""The outbox over MQTT, and the hub's acknowledgements back. I/O."""
