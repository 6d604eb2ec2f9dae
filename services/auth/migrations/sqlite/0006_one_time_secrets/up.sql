-- The address that an account shall have, until its owner has proved that it is theirs.
ALTER TABLE accounts ADD COLUMN pending_email TEXT;
ALTER TABLE accounts ADD COLUMN pending_email_key TEXT;
-- Whether the new address was proved, and whether the old one agreed.
ALTER TABLE accounts ADD COLUMN pending_email_proved INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE accounts ADD COLUMN pending_email_approved INTEGER NOT NULL DEFAULT FALSE;
-- The language that the owner wants to be written in (BCP 47), or nothing.
ALTER TABLE accounts ADD COLUMN locale TEXT NOT NULL DEFAULT '';

-- Secrets that are good for one use; see src/domain/one_time_secret.rs for the hashes.
CREATE TABLE one_time_secrets (
    uid          TEXT NOT NULL PRIMARY KEY,
    purpose      TEXT NOT NULL,
    -- Nobody's, where somebody asked with an address that no account has: both leave the same trace.
    account_uid  TEXT REFERENCES accounts (uid),
    -- A keyed hash of the canonical address that it was sent to.
    address_hash BLOB NOT NULL,
    link_hash    BLOB NOT NULL,
    create_time  INTEGER NOT NULL,
    expire_time  INTEGER NOT NULL,
    -- When it was used.
    use_time     INTEGER
) STRICT;

CREATE INDEX one_time_secrets_account_uid ON one_time_secrets (account_uid);
CREATE INDEX one_time_secrets_address_hash ON one_time_secrets (address_hash, create_time);
CREATE INDEX one_time_secrets_expire_time ON one_time_secrets (expire_time);
