-- Nobody has a refresh token of them, and what would be left would look like the account's own.
DELETE FROM sessions WHERE actor_uid IS NOT NULL;
DROP INDEX sessions_actor_session_uid;
DROP INDEX sessions_actor_uid;
ALTER TABLE sessions DROP COLUMN actor_writes;
ALTER TABLE sessions DROP COLUMN actor_session_uid;
ALTER TABLE sessions DROP COLUMN actor_uid;
