-- What was said to an address, and not taken up so far. What is taken up or taken back goes.
CREATE TABLE invitations (
    -- That of its secret (one_time_secrets). Not a reference: what is over is swept from both, each at its time.
    uid              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organisation_uid TEXT COLLATE "C" NOT NULL REFERENCES organisations (uid),
    -- The address as it was written, and its canonical form.
    email            TEXT NOT NULL,
    email_key        TEXT COLLATE "C" NOT NULL,
    -- Sorted, with blanks between.
    roles            TEXT NOT NULL,
    -- The account that invites; nothing where that is whoever administers the installation. Not a reference: it may go.
    inviter_uid      TEXT COLLATE "C",
    create_time      BIGINT NOT NULL,
    expire_time      BIGINT NOT NULL
);

-- Whoever is invited again has one invitation, the last.
CREATE UNIQUE INDEX invitations_once ON invitations (organisation_uid, email_key);
CREATE INDEX invitations_organisation_uid ON invitations (organisation_uid, uid);
CREATE INDEX invitations_expire_time ON invitations (expire_time);
