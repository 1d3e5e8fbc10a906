"""Real processes that are killed until it is believed: gateways, broker, ingest and linkers, and the count of what came of it."""
