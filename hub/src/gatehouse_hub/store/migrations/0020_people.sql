-- Who may sign in, their sessions, the tokens of programs, and who did what.
-- Of passwords, sessions and tokens only hashes are kept. `sites` is a JSON list; NULL means every site.

CREATE TABLE person (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,               -- admin operator viewer
    sites TEXT,
    password TEXT NOT NULL,           -- argon2id, with its parameters and salt
    must_change BIGINT NOT NULL,
    disabled BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL
) STRICT;

CREATE TABLE session (
    sha256 TEXT PRIMARY KEY,          -- of the cookie
    name TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
) STRICT;
CREATE INDEX session_name ON session (name, created_ms);

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,      -- of the secret
    hint TEXT NOT NULL,               -- its first characters
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,             -- JSON list
    sites TEXT,
    owner TEXT NOT NULL,              -- the user who made it; it can do no more than they can now
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
) STRICT;
CREATE INDEX token_owner ON token (owner);

-- Every entry holds the hash of the one before it; `audit_head` holds the last.
CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    site TEXT,
    object TEXT,
    detail TEXT NOT NULL,             -- JSON object of strings
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE audit_head (
    one BIGINT PRIMARY KEY,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO audit_head (one, number, hash) VALUES (1, 0, '');
