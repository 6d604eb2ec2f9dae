-- Whether nobody is known behind it yet: such an account has no address (its key is its own id under a prefix that no address
-- has) and no password.
ALTER TABLE accounts ADD COLUMN anonymous INTEGER NOT NULL DEFAULT FALSE;
-- Those that are old enough are found without looking at all.
CREATE INDEX accounts_anonymous ON accounts (create_time) WHERE anonymous;

-- Whose mail it is, so that it goes with the account. Not a reference: a mail may go to nobody, too.
ALTER TABLE mails ADD COLUMN account_uid TEXT;
CREATE INDEX mails_account_uid ON mails (account_uid);
