-- All times are microseconds since the Unix epoch.

CREATE TABLE accounts (
    uid            TEXT NOT NULL PRIMARY KEY,
    -- As its owner wrote it.
    email          TEXT NOT NULL,
    -- Folded; what is compared and unique.
    email_key      TEXT NOT NULL,
    email_verified INTEGER NOT NULL,
    -- A PHC string: algorithm, parameters, salt and hash.
    password_hash  TEXT NOT NULL,
    create_time    INTEGER NOT NULL,
    update_time    INTEGER NOT NULL,
    -- Grows with every change; the etag.
    revision       INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX accounts_email_taken ON accounts (email_key);

CREATE TABLE account_roles (
    account_uid TEXT NOT NULL REFERENCES accounts (uid),
    role        TEXT NOT NULL,
    PRIMARY KEY (account_uid, role)
) STRICT;

-- One row for each sign-in that has not ended; see src/domain/refresh_token.rs for the hashes.
CREATE TABLE sessions (
    uid              TEXT NOT NULL PRIMARY KEY,
    account_uid      TEXT NOT NULL REFERENCES accounts (uid),
    family_hash      BLOB NOT NULL,
    current_hash     BLOB NOT NULL,
    previous_hash    BLOB,
    -- The current token, sealed with the previous one.
    sealed_successor BLOB,
    create_time      INTEGER NOT NULL,
    refresh_time     INTEGER NOT NULL,
    expire_time      INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_account_uid ON sessions (account_uid);

-- The keys that access tokens are signed with; see src/domain/signing.rs for their times.
CREATE TABLE signing_keys (
    -- Two processes that make the next key at once cannot both succeed.
    sequence           INTEGER NOT NULL PRIMARY KEY,
    key_id             TEXT NOT NULL,
    public_key         BLOB NOT NULL,
    -- PKCS#8, sealed with the key-encryption key.
    sealed_private_key BLOB NOT NULL,
    create_time        INTEGER NOT NULL,
    activate_time      INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX signing_keys_key_id_taken ON signing_keys (key_id);
