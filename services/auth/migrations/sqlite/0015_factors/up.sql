-- What owners show beside the password or in its place.
CREATE TABLE factors (
    uid            TEXT NOT NULL PRIMARY KEY,
    -- Goes with its account.
    account_uid    TEXT NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    kind           TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
    display_name   TEXT NOT NULL,
    -- The secret of an app that makes codes, or a public key and what is known of it: sealed with the key-encryption key.
    sealed_content BLOB NOT NULL,
    -- By which an authenticator knows a passkey.
    credential_id  BLOB,
    -- Of an app, the last step whose code was used: each is good once. Of a passkey, how often it says that it signed.
    counter        INTEGER NOT NULL,
    create_time    INTEGER NOT NULL,
    -- Since when it counts; until then somebody has only begun to enrol it.
    confirm_time   INTEGER,
    use_time       INTEGER
) STRICT;

CREATE INDEX factors_account_uid ON factors (account_uid, uid);
CREATE UNIQUE INDEX factors_credential_taken ON factors (credential_id);
CREATE INDEX factors_begun ON factors (create_time) WHERE confirm_time IS NULL;

-- Codes that are good in the place of a factor, each once.
CREATE TABLE recovery_codes (
    account_uid  TEXT NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    -- With a key that is not in the database.
    code_hash    BLOB NOT NULL,
    use_time     INTEGER,
    PRIMARY KEY (account_uid, code_hash)
) STRICT;

-- What was begun and waits for a factor; see src/domain/challenge.rs.
CREATE TABLE challenges (
    uid           TEXT NOT NULL PRIMARY KEY,
    purpose       TEXT NOT NULL,
    -- Nobody's, where it is not known yet who it is.
    account_uid   TEXT REFERENCES accounts (uid) ON DELETE CASCADE,
    secret_hash   BLOB NOT NULL,
    -- What was shown so far, in the words of sessions.
    methods       TEXT NOT NULL,
    -- What the protocol has to know again, sealed with the key-encryption key.
    sealed_state  BLOB,
    tries         INTEGER NOT NULL,
    create_time   INTEGER NOT NULL,
    expire_time   INTEGER NOT NULL,
    use_time      INTEGER
) STRICT;

CREATE INDEX challenges_account_uid ON challenges (account_uid);
CREATE INDEX challenges_expire_time ON challenges (expire_time);
