"""Load for the hub and bare loops to hold it against: what `tests/bench/ingest*.py` are made of."""
