-- Rows lie by how long they are kept, so that retention drops tables instead of deleting rows; the lane's progress row is
-- the lock under which its rows are stored, and knows the highest number that stands anywhere.
ALTER TABLE progress ADD COLUMN top BIGINT NOT NULL DEFAULT 0;

-- How far retention has come: rows of a kind of keeping that came before are gone.
CREATE TABLE outlived (
    keep TEXT PRIMARY KEY,            -- presence alarm bulk
    before_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX gap_range_arrived ON gap_range (arrived_ms);
CREATE INDEX quarantine_arrived ON quarantine (arrived_ms);
CREATE INDEX unreadable_alarm_arrived ON unreadable_alarm (arrived_ms);
CREATE INDEX gateway_request_asked ON gateway_request (asked_ms);
CREATE INDEX incident_opened ON incident (opened_ms);
