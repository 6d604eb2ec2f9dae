DROP INDEX mails_account_uid;
ALTER TABLE mails DROP COLUMN account_uid;
DROP INDEX accounts_anonymous;
ALTER TABLE accounts DROP COLUMN anonymous;
