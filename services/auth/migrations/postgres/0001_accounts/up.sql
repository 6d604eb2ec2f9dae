-- All times are microseconds since the Unix epoch.

CREATE TABLE accounts (
    uid            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- As its owner wrote it.
    email          TEXT NOT NULL,
    -- Folded; what is compared and unique.
    email_key      TEXT COLLATE "C" NOT NULL,
    email_verified BOOLEAN NOT NULL,
    -- A PHC string: algorithm, parameters, salt and hash.
    password_hash  TEXT NOT NULL,
    create_time    BIGINT NOT NULL,
    update_time    BIGINT NOT NULL,
    -- Grows with every change; the etag.
    revision       BIGINT NOT NULL
);

CREATE UNIQUE INDEX accounts_email_taken ON accounts (email_key);

CREATE TABLE account_roles (
    account_uid TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid),
    role        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account_uid, role)
);

-- One row for each sign-in that has not ended; see src/domain/refresh_token.rs for the hashes.
CREATE TABLE sessions (
    uid              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_uid      TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid),
    family_hash      BYTEA NOT NULL,
    current_hash     BYTEA NOT NULL,
    previous_hash    BYTEA,
    -- The current token, sealed with the previous one.
    sealed_successor BYTEA,
    create_time      BIGINT NOT NULL,
    refresh_time     BIGINT NOT NULL,
    expire_time      BIGINT NOT NULL
);

CREATE INDEX sessions_account_uid ON sessions (account_uid);

-- The keys that access tokens are signed with; see src/domain/signing.rs for their times.
CREATE TABLE signing_keys (
    -- Two processes that make the next key at once cannot both succeed.
    sequence           BIGINT NOT NULL PRIMARY KEY,
    key_id             TEXT COLLATE "C" NOT NULL,
    public_key         BYTEA NOT NULL,
    -- PKCS#8, sealed with the key-encryption key.
    sealed_private_key BYTEA NOT NULL,
    create_time        BIGINT NOT NULL,
    activate_time      BIGINT NOT NULL
);

CREATE UNIQUE INDEX signing_keys_key_id_taken ON signing_keys (key_id);
