-- Whether there has been an administrator, and the token that makes the first: see src/handlers/first_administrator.rs. One row.
CREATE TABLE first_administrator (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- Of a token that was shown at a start.
    token_hash  BLOB,
    expire_time INTEGER NOT NULL,
    -- Since when it is closed for good.
    done_time   INTEGER
) STRICT;
