DROP TABLE revocations;
DROP INDEX sessions_refresh_time;
DROP INDEX sessions_expire_time;
DROP INDEX sessions_account_uid;
CREATE INDEX sessions_account_uid ON sessions (account_uid);
ALTER TABLE sessions DROP COLUMN network;
ALTER TABLE sessions DROP COLUMN user_agent;
ALTER TABLE accounts DROP COLUMN disable_time;
ALTER TABLE accounts DROP COLUMN token_epoch;
