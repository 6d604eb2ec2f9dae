-- What owners show beside the password or in its place.
CREATE TABLE factors (
    uid            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Goes with its account.
    account_uid    TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    kind           TEXT COLLATE "C" NOT NULL CHECK (kind IN ('totp', 'passkey')),
    display_name   TEXT NOT NULL,
    -- The secret of an app that makes codes, or a public key and what is known of it: sealed with the key-encryption key.
    sealed_content BYTEA NOT NULL,
    -- By which an authenticator knows a passkey.
    credential_id  BYTEA,
    -- Of an app, the last step whose code was used: each is good once. Of a passkey, how often it says that it signed.
    counter        BIGINT NOT NULL,
    create_time    BIGINT NOT NULL,
    -- Since when it counts; until then somebody has only begun to enrol it.
    confirm_time   BIGINT,
    use_time       BIGINT
);

CREATE INDEX factors_account_uid ON factors (account_uid, uid);
CREATE UNIQUE INDEX factors_credential_taken ON factors (credential_id);
CREATE INDEX factors_begun ON factors (create_time) WHERE confirm_time IS NULL;

-- Codes that are good in the place of a factor, each once.
CREATE TABLE recovery_codes (
    account_uid  TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    -- With a key that is not in the database.
    code_hash    BYTEA NOT NULL,
    use_time     BIGINT,
    PRIMARY KEY (account_uid, code_hash)
);

-- What was begun and waits for a factor; see src/domain/challenge.rs.
CREATE TABLE challenges (
    uid           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    purpose       TEXT COLLATE "C" NOT NULL,
    -- Nobody's, where it is not known yet who it is.
    account_uid   TEXT COLLATE "C" REFERENCES accounts (uid) ON DELETE CASCADE,
    secret_hash   BYTEA NOT NULL,
    -- What was shown so far, in the words of sessions.
    methods       TEXT COLLATE "C" NOT NULL,
    -- What the protocol has to know again, sealed with the key-encryption key.
    sealed_state  BYTEA,
    tries         BIGINT NOT NULL,
    create_time   BIGINT NOT NULL,
    expire_time   BIGINT NOT NULL,
    use_time      BIGINT
);

CREATE INDEX challenges_account_uid ON challenges (account_uid);
CREATE INDEX challenges_expire_time ON challenges (expire_time);
