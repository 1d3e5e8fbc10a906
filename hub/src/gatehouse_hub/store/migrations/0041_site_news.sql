-- What the linkers have not seen: a line for each transaction and site, so that ingest never waits for a linker.
CREATE TABLE site_news (
    number SERIAL_KEY,
    site TEXT NOT NULL,
    oldest_ms BIGINT NOT NULL,        -- least corrected time of the rows
    since_ms BIGINT NOT NULL          -- when the first of them came
) STRICT;
CREATE INDEX site_news_site ON site_news (site);

-- A linker's turn at a site: its row is the lock, and it tells of the turns that were taken. Made with the site's first file.
CREATE TABLE site_turn (
    site TEXT PRIMARY KEY,
    turns BIGINT NOT NULL DEFAULT 0,  -- grows by one with every turn that was committed
    linker TEXT NOT NULL DEFAULT '',  -- who took the last
    failures BIGINT NOT NULL DEFAULT 0,
    not_before_ms BIGINT NOT NULL DEFAULT 0
) STRICT;

INSERT INTO site_news (site, oldest_ms, since_ms)
    SELECT site, oldest_ms, since_ms FROM site_work WHERE pending = 1 ORDER BY since_ms;
INSERT INTO site_turn (site) SELECT DISTINCT site FROM site_version;
DROP TABLE site_work;
