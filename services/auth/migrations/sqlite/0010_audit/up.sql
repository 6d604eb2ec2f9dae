-- What was done to accounts; see src/audit. Nothing but the job that gives an event its place, and the one that erases what is
-- personal, changes a row.
CREATE TABLE audit_events (
    -- A UUID of version 7: sorted by it, events are in the order of their times.
    uid           TEXT NOT NULL PRIMARY KEY,
    event_time    INTEGER NOT NULL,
    action        TEXT NOT NULL,
    -- Not a reference: what was done stays so when the account is gone.
    account_uid   TEXT NOT NULL,
    actor         TEXT NOT NULL,
    subject       TEXT NOT NULL,
    -- A JSON object of texts.
    details       TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    -- What is personal can be erased: the chain has the hash of it with its salt.
    network       TEXT,
    network_salt  BLOB,
    network_hash  BLOB NOT NULL,
    -- The place in the chain, and the chain up to it. Both or none.
    sequence      INTEGER,
    hash          BLOB,
    CHECK ((sequence IS NULL) = (hash IS NULL))
) STRICT;

CREATE UNIQUE INDEX audit_events_sequence ON audit_events (sequence);
CREATE INDEX audit_events_account_uid ON audit_events (account_uid, uid);
CREATE INDEX audit_events_waiting ON audit_events (uid) WHERE sequence IS NULL;

-- Where the chain begins and ends.
CREATE TABLE audit_ends (
    -- `first`: the last place that was removed after its time. `last`: the last place.
    which     TEXT NOT NULL PRIMARY KEY CHECK (which IN ('first', 'last')),
    sequence  INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    -- Of all of them, by the key of the chain.
    seal      BLOB NOT NULL
) STRICT;
