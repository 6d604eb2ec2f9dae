-- Another epoch begins whenever what the account's older tokens say is not so any more.
ALTER TABLE accounts ADD COLUMN token_epoch BIGINT NOT NULL DEFAULT 0;
-- Since when nobody signs in.
ALTER TABLE accounts ADD COLUMN disable_time BIGINT;

-- What the client said of itself, and the network that it began the session from.
ALTER TABLE sessions ADD COLUMN user_agent TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN network TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The sessions of one account are listed in the order in which they began.
DROP INDEX sessions_account_uid;
CREATE INDEX sessions_account_uid ON sessions (account_uid, uid);
-- Those that are over are found without looking at all.
CREATE INDEX sessions_expire_time ON sessions (expire_time);
CREATE INDEX sessions_refresh_time ON sessions (refresh_time);

-- What ended before its time, as long as a token that it concerns may be valid. Read by every replica in the order of
-- `sequence`, which is the order in which the rows were committed; see src/store/revocations.rs.
CREATE TABLE revocations (
    sequence      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Not a reference: what was revoked stays so when its account is gone.
    account_uid   TEXT COLLATE "C" NOT NULL,
    what          TEXT COLLATE "C" NOT NULL CHECK (what IN ('session', 'sessions', 'tokens')),
    -- The session that ended; of `sessions`, the one that goes on.
    session_uid   TEXT COLLATE "C",
    -- The first epoch whose tokens are good.
    before_epoch  BIGINT,
    revoke_time   BIGINT NOT NULL,
    forget_time   BIGINT NOT NULL
);

CREATE INDEX revocations_forget_time ON revocations (forget_time);
