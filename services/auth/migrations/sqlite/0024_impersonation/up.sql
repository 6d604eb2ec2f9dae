-- Who acts in a session as its account. Not a reference: it is over in minutes, and tokens of it are as good as those of whoever acts.
ALTER TABLE sessions ADD COLUMN actor_uid TEXT;
-- Whether they may change something.
ALTER TABLE sessions ADD COLUMN actor_writes INTEGER NOT NULL DEFAULT FALSE;
