CREATE INDEX IF NOT EXISTS event_arrived ON event (keep, arrived_ms);
