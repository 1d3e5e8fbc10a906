-- Incidents: a function of alarm rows, people's decisions and the weights version; kept so that ids stay and people can act.

CREATE TABLE incident (
    id TEXT PRIMARY KEY,              -- of the row that opened it when it was first shown; never changes
    site TEXT NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,              -- of the most sensitive member
    zone TEXT NOT NULL,
    zones TEXT NOT NULL,              -- JSON list
    state TEXT NOT NULL,              -- open acknowledged resolved
    priority TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    drill BIGINT NOT NULL,
    historical BIGINT NOT NULL,
    summary_en TEXT NOT NULL,
    summary_zh TEXT NOT NULL,
    weights TEXT NOT NULL,
    story TEXT NOT NULL,              -- JSON: links, near misses and why it is as urgent as it is
    merged_into TEXT,                 -- recomputation found its members elsewhere
    acknowledged_ms BIGINT,
    acknowledged_by TEXT,
    resolved_ms BIGINT,
    resolved_by TEXT,
    cause TEXT
) STRICT;
CREATE INDEX incident_queue ON incident (site, state, opened_ms);

CREATE TABLE incident_member (
    event_id TEXT PRIMARY KEY,
    incident TEXT NOT NULL,
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    hazard BIGINT NOT NULL,
    time_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX incident_member_incident ON incident_member (incident, time_ms);
CREATE INDEX incident_member_hazard ON incident_member (gateway, epoch, hazard);

-- What people, and the linker (by NULL), did. Only ever added to.
CREATE TABLE incident_act (
    incident TEXT NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    act TEXT NOT NULL,                -- acknowledged resolved reopened amended merge_proposed
    by_user TEXT,
    note TEXT,
    PRIMARY KEY (incident, number)
) STRICT;
