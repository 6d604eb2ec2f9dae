-- Who acts in a session as its account, and the session of their own that it is over with.
ALTER TABLE sessions ADD COLUMN actor_uid TEXT COLLATE "C";
ALTER TABLE sessions ADD COLUMN actor_session_uid TEXT COLLATE "C" REFERENCES sessions (uid) ON DELETE CASCADE;
-- Whether they may change something.
ALTER TABLE sessions ADD COLUMN actor_writes BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX sessions_actor_uid ON sessions (actor_uid) WHERE actor_uid IS NOT NULL;
CREATE INDEX sessions_actor_session_uid ON sessions (actor_session_uid) WHERE actor_session_uid IS NOT NULL;
