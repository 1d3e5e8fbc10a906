-- Who wants to be told of incidents, and what they are told. Rows are written in the transaction that changes the incident.

CREATE TABLE consumer (
    consumer TEXT PRIMARY KEY,        -- id in the configuration
    sites TEXT NOT NULL,              -- JSON list; empty means every site
    classes TEXT NOT NULL,            -- JSON list
    min_priority TEXT NOT NULL
) STRICT;

CREATE TABLE notification (
    number SERIAL_KEY,
    key TEXT NOT NULL UNIQUE,         -- the idempotency key: of the consumer, the incident and what is told
    consumer TEXT NOT NULL,
    site TEXT NOT NULL,
    incident TEXT NOT NULL,
    class TEXT NOT NULL,
    what TEXT NOT NULL,               -- opened raised acknowledged resolved reopened merged returned withdrawn
    priority TEXT NOT NULL,           -- of the incident when it was written
    incident_state TEXT NOT NULL,     -- the same
    live_rows BIGINT NOT NULL,        -- the same: rows of its hazards that did not come late
    body TEXT NOT NULL,               -- JSON, as it is sent
    made_ms BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',   -- waiting sent failed
    due_ms BIGINT NOT NULL,           -- not to be sent before
    attempts BIGINT NOT NULL DEFAULT 0,      -- that failed
    reason TEXT,                      -- why the last of them did
    fence BIGINT NOT NULL DEFAULT 0,  -- counts who took it on; only the last may say how it went
    leased_ms BIGINT NOT NULL DEFAULT 0,     -- taken on until then
    ended_ms BIGINT                   -- sent or given up
) STRICT;
CREATE INDEX notification_due ON notification (consumer, priority, number) WHERE state = 'waiting';
CREATE INDEX notification_incident ON notification (incident, consumer, number);
CREATE INDEX notification_left ON notification (site, consumer, state) WHERE state <> 'sent';
CREATE INDEX notification_consumer ON notification (consumer, site, ended_ms);
CREATE INDEX notification_ended ON notification (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX incident_merged ON incident (merged_into) WHERE merged_into IS NOT NULL;
