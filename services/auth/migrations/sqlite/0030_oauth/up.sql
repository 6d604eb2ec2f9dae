-- What other applications may know and do of accounts; see src/domain/oauth.

-- Applications, as administrators have registered them.
CREATE TABLE oauth_clients (
    uid                       TEXT NOT NULL PRIMARY KEY,
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
    trusted                   INTEGER NOT NULL,
    -- Of 256 random bits, which nobody guesses.
    secret_hash               BLOB,
    -- The secret before that, while it is good.
    former_secret_hash        BLOB,
    former_expire_time        INTEGER,
    create_time               INTEGER NOT NULL,
    update_time               INTEGER NOT NULL,
    revision                  INTEGER NOT NULL
) STRICT;

-- What the owner of an account has agreed to, so that it is not asked again.
CREATE TABLE oauth_consents (
    account_uid TEXT NOT NULL REFERENCES accounts (uid) ON DELETE CASCADE,
    client_uid  TEXT NOT NULL REFERENCES oauth_clients (uid) ON DELETE CASCADE,
    scopes      TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (account_uid, client_uid)
) STRICT;

CREATE INDEX oauth_consents_client_uid ON oauth_consents (client_uid);

-- One authorisation: first a code, of an answer or of a device, then the tokens that it was exchanged for.
CREATE TABLE oauth_grants (
    uid               TEXT NOT NULL PRIMARY KEY,
    client_uid        TEXT NOT NULL REFERENCES oauth_clients (uid) ON DELETE CASCADE,
    -- Nobody as long as nobody has decided about a device.
    account_uid       TEXT REFERENCES accounts (uid) ON DELETE CASCADE,
    -- The session that it ends with; nothing where it outlives that.
    session_uid       TEXT REFERENCES sessions (uid) ON DELETE CASCADE,
    kind              TEXT NOT NULL,
    decision          TEXT NOT NULL,
    secret_hash       BLOB NOT NULL,
    -- With a key that is not in the database: the code that somebody types could be guessed.
    user_code_hash    BLOB,
    redirect_uri      TEXT NOT NULL,
    scopes            TEXT NOT NULL,
    nonce             TEXT NOT NULL,
    code_challenge    TEXT NOT NULL,
    methods           TEXT NOT NULL,
    authenticate_time INTEGER NOT NULL,
    create_time       INTEGER NOT NULL,
    -- Until when the code is good.
    expire_time       INTEGER NOT NULL,
    poll_time         INTEGER,
    use_time          INTEGER,
    -- Of refresh tokens; see src/domain/refresh_token.rs.
    family_hash       BLOB,
    current_hash      BLOB,
    previous_hash     BLOB,
    sealed_successor  BLOB,
    refresh_time      INTEGER NOT NULL,
    -- When nothing of it is good any more.
    end_time          INTEGER NOT NULL
) STRICT;

CREATE INDEX oauth_grants_client_uid ON oauth_grants (client_uid);
CREATE INDEX oauth_grants_account_uid ON oauth_grants (account_uid, client_uid);
CREATE INDEX oauth_grants_session_uid ON oauth_grants (session_uid);
CREATE UNIQUE INDEX oauth_grants_user_code_taken ON oauth_grants (user_code_hash);
CREATE INDEX oauth_grants_end_time ON oauth_grants (end_time);

-- Signed proofs of clients that were shown, so that none is shown twice (RFC 7523, section 3).
CREATE TABLE oauth_assertions (
    hash        BLOB NOT NULL PRIMARY KEY,
    expire_time INTEGER NOT NULL
) STRICT;

CREATE INDEX oauth_assertions_expire_time ON oauth_assertions (expire_time);
