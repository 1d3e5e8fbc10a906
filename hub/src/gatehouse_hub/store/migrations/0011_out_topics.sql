-- Retained topics that the hub has published for others and must clear when they no longer hold.
CREATE TABLE out_topic (
    topic TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    payload TEXT NOT NULL,
    said_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX out_topic_site ON out_topic (site);
