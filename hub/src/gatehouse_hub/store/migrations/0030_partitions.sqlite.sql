
ALTER TABLE event ADD COLUMN keep TEXT NOT NULL DEFAULT 'bulk';
UPDATE event SET keep = CASE WHEN kind IN ('perimeter_intrusion', 'dwell', 'vessel_intrusion') THEN 'presence' ELSE 'alarm' END
    WHERE lane = 'alarm';
DROP INDEX event_id;
CREATE UNIQUE INDEX event_id ON event (id) WHERE lane = 'alarm';
CREATE INDEX event_arrived ON event (keep, arrived_ms);
UPDATE progress SET top = MAX(
    COALESCE((SELECT MAX(e.seq) FROM event e
        WHERE e.gateway = progress.gateway AND e.epoch = progress.epoch AND e.lane = progress.lane), 0),
    COALESCE((SELECT MAX(g.to_seq) FROM gap_range g
        WHERE g.gateway = progress.gateway AND g.epoch = progress.epoch AND g.lane = progress.lane), 0),
    upto);
