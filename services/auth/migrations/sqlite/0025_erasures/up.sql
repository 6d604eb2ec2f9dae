-- Documents that certify that accounts were erased; see src/handlers/erasing.rs. Their hashes stand in the audit log.
CREATE TABLE erasures (
    -- A UUID of version 7: sorted by it, documents are in the order in which they were made.
    uid         TEXT NOT NULL PRIMARY KEY,
    -- Not a reference: the account is gone.
    account_uid TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    -- JSON, as it was given out. Nothing personal.
    certificate TEXT NOT NULL
) STRICT;

CREATE INDEX erasures_account_uid ON erasures (account_uid, uid);
