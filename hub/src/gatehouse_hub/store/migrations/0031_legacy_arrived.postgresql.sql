DO $$
BEGIN
    IF to_regclass('event_legacy') IS NOT NULL THEN
        CREATE INDEX event_legacy_arrived ON event_legacy (lane, arrived_ms);
    END IF;
END $$;
