-- Events, how far each gateway is stored, and what the hub knows of gateways, sites, hazards and occupancy.
-- Times are milliseconds since 1970; yes and no are 1 and 0.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Every site file ever handed out; gateways may run an older one.
CREATE TABLE site_version (
    site TEXT NOT NULL,
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    content TEXT NOT NULL,            -- JSON of the checked file
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (site, version)
) STRICT;

-- Every id a site has ever used, so that none is given to another thing.
CREATE TABLE site_name (
    site TEXT NOT NULL,
    name TEXT NOT NULL,
    what TEXT NOT NULL,               -- zone gate line schedule rule device gateway, with the kind where it has one
    retired BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (site, name)
) STRICT;

-- The registry: which site a gateway belongs to. The authority, whatever a topic says.
CREATE TABLE gateway (
    gateway TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    presence TEXT NOT NULL DEFAULT 'unknown',   -- unknown online offline
    presence_reason TEXT NOT NULL DEFAULT 'never_seen',
    presence_ms BIGINT,               -- since when
    boot TEXT,
    conn BIGINT,
    wire BIGINT NOT NULL DEFAULT 0,
    software TEXT,
    config_version BIGINT,
    clock TEXT,                       -- synced unsynced, as the birth said
    birth TEXT,                       -- the last birth, JSON
    offset_ms BIGINT,
    uncertainty_ms BIGINT,
    offset_at_ms BIGINT,
    last_seen_ms BIGINT
) STRICT;
CREATE INDEX gateway_site ON gateway (site);

CREATE TABLE event (
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    lane TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    site TEXT NOT NULL,
    type TEXT NOT NULL,               -- hazard count flow reading health gap
    kind TEXT,                        -- of a hazard
    phase TEXT,                       -- of a hazard
    hazard BIGINT,                    -- of a hazard: seq of its raised row
    zone TEXT,
    line TEXT,
    device TEXT,
    time_ms BIGINT NOT NULL,          -- as the gateway said
    corrected_ms BIGINT NOT NULL,     -- by the hub's clock; frozen when the row came
    offset_ms BIGINT,                 -- frozen with it; NULL when not known
    uncertainty_ms BIGINT,
    arrived_ms BIGINT NOT NULL,
    historical BIGINT NOT NULL,       -- came more than 15 min late: linked, never paged
    payload TEXT NOT NULL,            -- canonical bytes of the row
    PRIMARY KEY (gateway, epoch, lane, seq)
) STRICT;
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_alarm ON event (site, corrected_ms, id) WHERE lane = 'alarm';
CREATE INDEX event_hazard ON event (gateway, epoch, hazard) WHERE hazard IS NOT NULL;
CREATE INDEX event_time ON event (site, type, corrected_ms);

-- Everything of a lane up to `upto` is accounted for: a row, in a gap, or in quarantine.
CREATE TABLE progress (
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    lane TEXT NOT NULL,
    upto BIGINT NOT NULL,
    PRIMARY KEY (gateway, epoch, lane)
) STRICT;

-- Numbers without a row that are accounted for all the same. Ranges may overlap.
CREATE TABLE gap_range (
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    lane TEXT NOT NULL,
    from_seq BIGINT NOT NULL,
    to_seq BIGINT NOT NULL,
    reason TEXT NOT NULL,             -- of the gap, or `quarantined`
    rows BIGINT NOT NULL,
    arrived_ms BIGINT NOT NULL,
    PRIMARY KEY (gateway, epoch, lane, from_seq, to_seq)
) STRICT;

-- What was refused, with its bytes and the reason.
CREATE TABLE quarantine (
    number SERIAL_KEY,
    owner TEXT NOT NULL,              -- whose share of the space: a registered gateway, or '' for all others together
    gateway TEXT NOT NULL,            -- of the topic
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    topic TEXT NOT NULL,
    epoch TEXT,                       -- key, where one could be read
    lane TEXT,
    seq BIGINT,
    size_bytes BIGINT NOT NULL,
    payload BYTES NOT NULL,
    arrived_ms BIGINT NOT NULL,
    seen BIGINT NOT NULL DEFAULT 1,
    UNIQUE (owner, sha256)
) STRICT;
CREATE INDEX quarantine_owner ON quarantine (owner, number);

-- Alarm rows that could not be read: each becomes an incident, without the refused content.
CREATE TABLE unreadable_alarm (
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    site TEXT NOT NULL,
    reason TEXT NOT NULL,
    arrived_ms BIGINT NOT NULL,
    PRIMARY KEY (gateway, epoch, seq, sha256)
) STRICT;
CREATE INDEX unreadable_alarm_site ON unreadable_alarm (site, arrived_ms);

-- Sites with rows that the linker has not seen. Cleared by the linker in the transaction that links.
CREATE TABLE site_work (
    site TEXT PRIMARY KEY,
    pending BIGINT NOT NULL DEFAULT 0,
    oldest_ms BIGINT,                 -- least corrected time of the rows waiting
    since_ms BIGINT                   -- when the first of them came
) STRICT;
CREATE INDEX site_work_pending ON site_work (since_ms) WHERE pending = 1;

-- The latest row of every hazard's life.
CREATE TABLE hazard (
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    hazard BIGINT NOT NULL,
    site TEXT NOT NULL,
    kind TEXT NOT NULL,
    zone TEXT NOT NULL,
    device TEXT NOT NULL,
    phase TEXT NOT NULL,
    grade BIGINT NOT NULL,
    drill BIGINT NOT NULL,
    latest_seq BIGINT NOT NULL,
    raised_ms BIGINT,                 -- corrected time of the raised row; NULL until it comes
    latest_ms BIGINT NOT NULL,        -- corrected time of the latest row
    heard_ms BIGINT NOT NULL,         -- when it came
    PRIMARY KEY (gateway, epoch, hazard)
) STRICT;
CREATE INDEX hazard_open ON hazard (site, zone) WHERE phase <> 'cleared';

-- Newest count window of each zone, label and device.
CREATE TABLE zone_count (
    site TEXT NOT NULL,
    zone TEXT NOT NULL,
    label TEXT NOT NULL,
    device TEXT NOT NULL,
    time_ms BIGINT NOT NULL,          -- corrected start of the window
    window_s BIGINT NOT NULL,
    mean TEXT NOT NULL,               -- a number, or lt10
    max TEXT NOT NULL,
    coverage BIGINT NOT NULL,
    quality BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (site, zone, label, device)
) STRICT;

-- Requests to gateways that are sent until answered.
CREATE TABLE gateway_request (
    request TEXT PRIMARY KEY,
    gateway TEXT NOT NULL,
    site TEXT NOT NULL,
    verb TEXT NOT NULL,
    body TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    outcome TEXT,                     -- done refused expired unknown; NULL while waiting
    answered_ms BIGINT
) STRICT;
CREATE INDEX gateway_request_waiting ON gateway_request (asked_ms) WHERE outcome IS NULL;
