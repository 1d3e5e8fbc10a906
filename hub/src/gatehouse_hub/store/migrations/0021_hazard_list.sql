-- Hazards of a site, newest first.
CREATE INDEX hazard_raised ON hazard (site, raised_ms);
