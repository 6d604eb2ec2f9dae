-- Programs that call by themselves; see src/domain/service_account.rs.
CREATE TABLE service_accounts (
    uid              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Nothing where it belongs to the installation.
    organisation_uid TEXT COLLATE "C" REFERENCES organisations (uid),
    display_name     TEXT NOT NULL,
    -- Sorted, with blanks between.
    roles            TEXT NOT NULL,
    create_time      BIGINT NOT NULL,
    update_time      BIGINT NOT NULL,
    revision         BIGINT NOT NULL,
    -- Another epoch begins whenever what older tokens say is not so any more.
    token_epoch      BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX service_accounts_organisation_uid ON service_accounts (organisation_uid, uid);

CREATE TABLE service_account_keys (
    uid                 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    service_account_uid TEXT COLLATE "C" NOT NULL REFERENCES service_accounts (uid) ON DELETE CASCADE,
    -- Of 256 random bits, which nobody guesses.
    secret_hash         BYTEA NOT NULL,
    -- How the secret begins.
    prefix              TEXT NOT NULL,
    -- From where it may be used, with blanks between; empty: from everywhere.
    networks            TEXT NOT NULL,
    create_time         BIGINT NOT NULL,
    expire_time         BIGINT,
    -- Written now and then, not with each use.
    last_use_time       BIGINT
);

CREATE INDEX service_account_keys_service_account_uid ON service_account_keys (service_account_uid, uid);
