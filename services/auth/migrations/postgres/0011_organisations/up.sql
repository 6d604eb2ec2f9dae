CREATE TABLE organisations (
    -- A UUID of version 7: sorted by it, they are in the order in which they were made.
    uid          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL,
    -- Grows with every change; the etag.
    revision     BIGINT NOT NULL
);

CREATE TABLE members (
    organisation_uid TEXT COLLATE "C" NOT NULL REFERENCES organisations (uid),
    account_uid      TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    create_time      BIGINT NOT NULL,
    update_time      BIGINT NOT NULL,
    revision         BIGINT NOT NULL,
    PRIMARY KEY (organisation_uid, account_uid)
);

-- The organisations of one account are listed in the order in which they were made.
CREATE INDEX members_account_uid ON members (account_uid, organisation_uid);

CREATE TABLE member_roles (
    organisation_uid TEXT COLLATE "C" NOT NULL,
    account_uid      TEXT COLLATE "C" NOT NULL,
    role             TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organisation_uid, account_uid, role),
    FOREIGN KEY (organisation_uid, account_uid) REFERENCES members (organisation_uid, account_uid) ON DELETE CASCADE
);

-- Whether an organisation has another owner, and how many an account owns, is found without looking at all members.
CREATE INDEX member_roles_role ON member_roles (role, organisation_uid);
CREATE INDEX member_roles_account_uid ON member_roles (account_uid, role);

-- The organisation that a session acts in. Not a reference: the membership is looked at whenever a token is made.
ALTER TABLE sessions ADD COLUMN organisation_uid TEXT COLLATE "C";
CREATE INDEX sessions_organisation_uid ON sessions (organisation_uid) WHERE organisation_uid IS NOT NULL;

-- Of `tokens`: only those that act in this organisation.
ALTER TABLE revocations ADD COLUMN organisation_uid TEXT COLLATE "C";
