-- Programs that call by themselves; see src/domain/service_account.rs.
CREATE TABLE service_accounts (
    uid              TEXT NOT NULL PRIMARY KEY,
    -- Nothing where it belongs to the installation.
    organisation_uid TEXT REFERENCES organisations (uid),
    display_name     TEXT NOT NULL,
    -- Sorted, with blanks between.
    roles            TEXT NOT NULL,
    create_time      INTEGER NOT NULL,
    update_time      INTEGER NOT NULL,
    revision         INTEGER NOT NULL,
    -- Another epoch begins whenever what older tokens say is not so any more.
    token_epoch      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX service_accounts_organisation_uid ON service_accounts (organisation_uid, uid);

CREATE TABLE service_account_keys (
    uid                 TEXT NOT NULL PRIMARY KEY,
    service_account_uid TEXT NOT NULL REFERENCES service_accounts (uid) ON DELETE CASCADE,
    -- Of 256 random bits, which nobody guesses.
    secret_hash         BLOB NOT NULL,
    -- How the secret begins.
    prefix              TEXT NOT NULL,
    -- From where it may be used, with blanks between; empty: from everywhere.
    networks            TEXT NOT NULL,
    create_time         INTEGER NOT NULL,
    expire_time         INTEGER,
    -- Written now and then, not with each use.
    last_use_time       INTEGER
) STRICT;

CREATE INDEX service_account_keys_service_account_uid ON service_account_keys (service_account_uid, uid);
