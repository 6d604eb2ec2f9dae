-- What owners are known by at providers of identities.
CREATE TABLE identities (
    uid          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Goes with its account.
    account_uid  TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    -- What the settings call the provider.
    provider     TEXT COLLATE "C" NOT NULL,
    -- Who says so. The settings may call another provider by the same name one day: its users are others.
    issuer       TEXT COLLATE "C" NOT NULL,
    -- What the provider knows its user by.
    subject      TEXT COLLATE "C" NOT NULL,
    -- What its owner tells it from another one by.
    display_name TEXT NOT NULL,
    create_time  BIGINT NOT NULL,
    use_time     BIGINT NOT NULL
);

CREATE UNIQUE INDEX identities_taken ON identities (issuer, subject);
CREATE INDEX identities_account_uid ON identities (account_uid, uid);
