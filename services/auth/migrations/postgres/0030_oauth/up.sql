-- What other applications may know and do of accounts; see src/domain/oauth.

-- Applications, as administrators have registered them.
CREATE TABLE oauth_clients (
    uid                       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    display_name              TEXT NOT NULL,
    client_uri                TEXT NOT NULL,
    -- Each on a line.
    redirect_uris             TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    -- Words with blanks between.
    scopes                    TEXT NOT NULL,
    grants                    TEXT NOT NULL,
    authentication            TEXT NOT NULL,
    -- The keys that it signs with, as JSON; empty where it does not.
    jwks                      TEXT NOT NULL,
    trusted                   BOOLEAN NOT NULL,
    -- Of 256 random bits, which nobody guesses.
    secret_hash               BYTEA,
    -- The secret before that, while it is good.
    former_secret_hash        BYTEA,
    former_expire_time        BIGINT,
    create_time               BIGINT NOT NULL,
    update_time               BIGINT NOT NULL,
    revision                  BIGINT NOT NULL
);

-- What the owner of an account has agreed to, so that it is not asked again.
CREATE TABLE oauth_consents (
    account_uid TEXT COLLATE "C" NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    client_uid  TEXT COLLATE "C" NOT NULL REFERENCES oauth_clients (uid) ON DELETE CASCADE,
    scopes      TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    PRIMARY KEY (account_uid, client_uid)
);

CREATE INDEX oauth_consents_client_uid ON oauth_consents (client_uid);

-- One authorisation: first a code, of an answer or of a device, then the tokens that it was exchanged for.
CREATE TABLE oauth_grants (
    uid               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client_uid        TEXT COLLATE "C" NOT NULL REFERENCES oauth_clients (uid) ON DELETE CASCADE,
    -- Nobody as long as nobody has decided about a device.
    account_uid       TEXT COLLATE "C" REFERENCES accounts (uid) ON DELETE CASCADE,
    -- The session that it ends with; nothing where it outlives that.
    session_uid       TEXT COLLATE "C" REFERENCES sessions (uid) ON DELETE CASCADE,
    kind              TEXT NOT NULL,
    decision          TEXT NOT NULL,
    secret_hash       BYTEA NOT NULL,
    -- With a key that is not in the database: the code that somebody types could be guessed.
    user_code_hash    BYTEA,
    redirect_uri      TEXT NOT NULL,
    scopes            TEXT NOT NULL,
    nonce             TEXT NOT NULL,
    code_challenge    TEXT NOT NULL,
    methods           TEXT NOT NULL,
    authenticate_time BIGINT NOT NULL,
    create_time       BIGINT NOT NULL,
    -- Until when the code is good.
    expire_time       BIGINT NOT NULL,
    poll_time         BIGINT,
    use_time          BIGINT,
    -- Of refresh tokens; see src/domain/refresh_token.rs.
    family_hash       BYTEA,
    current_hash      BYTEA,
    previous_hash     BYTEA,
    sealed_successor  BYTEA,
    refresh_time      BIGINT NOT NULL,
    -- When nothing of it is good any more.
    end_time          BIGINT NOT NULL
);

CREATE INDEX oauth_grants_client_uid ON oauth_grants (client_uid);
CREATE INDEX oauth_grants_account_uid ON oauth_grants (account_uid, client_uid);
CREATE INDEX oauth_grants_session_uid ON oauth_grants (session_uid);
CREATE UNIQUE INDEX oauth_grants_user_code_taken ON oauth_grants (user_code_hash);
CREATE INDEX oauth_grants_end_time ON oauth_grants (end_time);

-- Signed proofs of clients that were shown, so that none is shown twice (RFC 7523, section 3).
CREATE TABLE oauth_assertions (
    hash        BYTEA NOT NULL PRIMARY KEY,
    expire_time BIGINT NOT NULL
);

CREATE INDEX oauth_assertions_expire_time ON oauth_assertions (expire_time);
