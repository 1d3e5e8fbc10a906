-- The highest grade a hazard ever reached: what an incident's priority rests on, since only a person lowers that.
ALTER TABLE hazard ADD COLUMN peak_grade BIGINT NOT NULL DEFAULT 1;
UPDATE hazard SET peak_grade = grade;
CREATE INDEX hazard_latest ON hazard (site, latest_ms);
