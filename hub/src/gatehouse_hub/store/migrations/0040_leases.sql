-- Which process does which part of divided work. Times are milliseconds by the database's own clock.
CREATE TABLE lease (
    kind TEXT NOT NULL,               -- the work: ingest (its parts are shards), out
    number BIGINT NOT NULL,
    holder TEXT NOT NULL,             -- '' when nobody has it
    fence BIGINT NOT NULL,            -- grows with every change of holder
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, number)
) STRICT;

-- Processes that do such work, so that each knows its share.
CREATE TABLE worker (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

-- crc32 of the site mod 64, so that a worker reads its own gateways only. Filled in at the start of a hub where it is missing.
ALTER TABLE gateway ADD COLUMN shard BIGINT;
CREATE INDEX gateway_shard ON gateway (shard);

-- What the hub itself has raised and not cleared, by what it is about.
CREATE INDEX hazard_of_hub ON hazard (device) WHERE gateway = 'hub' AND phase <> 'cleared';
