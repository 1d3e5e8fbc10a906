
-- next transaction
-- What there is becomes one partition as it lies. Nothing of it is rewritten: a column with a constant default is a note in the
-- catalogue, and the constraint is checked while others write.
ALTER TABLE event ADD COLUMN keep TEXT NOT NULL DEFAULT 'legacy';
ALTER TABLE event ADD CONSTRAINT event_is_legacy CHECK (keep = 'legacy') NOT VALID;

-- next transaction
ALTER TABLE event VALIDATE CONSTRAINT event_is_legacy;

-- next transaction
ALTER TABLE event RENAME TO event_legacy;
ALTER INDEX event_pkey RENAME TO event_legacy_pkey;
ALTER INDEX event_id RENAME TO event_legacy_id;
ALTER INDEX event_alarm RENAME TO event_legacy_alarm;
ALTER INDEX event_hazard RENAME TO event_legacy_hazard;
ALTER INDEX event_time RENAME TO event_legacy_time;
CREATE TABLE event (LIKE event_legacy) PARTITION BY LIST (keep);
CREATE TABLE event_presence PARTITION OF event (CHECK (lane = 'alarm'), CHECK (type = 'hazard'))
    FOR VALUES IN ('presence') PARTITION BY RANGE (arrived_ms);
CREATE TABLE event_alarm PARTITION OF event (CHECK (lane = 'alarm'), CHECK (type IN ('hazard', 'gap')))
    FOR VALUES IN ('alarm') PARTITION BY RANGE (arrived_ms);
CREATE TABLE event_bulk PARTITION OF event (CHECK (lane = 'bulk'), CHECK (type <> 'hazard'))
    FOR VALUES IN ('bulk') PARTITION BY RANGE (arrived_ms);
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM event_legacy) THEN
        ALTER TABLE event ATTACH PARTITION event_legacy FOR VALUES IN ('legacy');
    ELSE
        DROP TABLE event_legacy;
    END IF;
END $$;
UPDATE progress SET top = GREATEST(
    COALESCE((SELECT MAX(e.seq) FROM event e
        WHERE e.gateway = progress.gateway AND e.epoch = progress.epoch AND e.lane = progress.lane), 0),
    COALESCE((SELECT MAX(g.to_seq) FROM gap_range g
        WHERE g.gateway = progress.gateway AND g.epoch = progress.epoch AND g.lane = progress.lane), 0),
    upto);
