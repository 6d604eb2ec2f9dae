-- Accounts that were made, or got an address, and that the application's hook is still to be told of. Who they are stands in their
-- rows alone.
CREATE TABLE sign_ups (
    uid          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Whoever is gone is told of no more.
    account_uid  TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    method       TEXT NOT NULL,
    -- The provider that vouched; empty where none did.
    provider     TEXT NOT NULL,
    create_time  BIGINT NOT NULL,
    -- How often it was tried to tell of it.
    attempts     BIGINT NOT NULL,
    -- When it is tried next.
    attempt_time BIGINT NOT NULL
);

CREATE INDEX sign_ups_account_uid ON sign_ups (account_uid);
CREATE INDEX sign_ups_attempt_time ON sign_ups (attempt_time);
CREATE INDEX sign_ups_create_time ON sign_ups (create_time);
