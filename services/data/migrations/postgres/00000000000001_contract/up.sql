-- Each contract that was applied, and the ledger after it (an index that is still being made is not in it yet). The newest row is the one that is served.
CREATE TABLE mainstay_contracts (
    revision   BIGINT NOT NULL PRIMARY KEY,
    hash       TEXT   NOT NULL,
    sources    TEXT   NOT NULL, -- JSON: [{"path": …, "text": …}]
    ledger     TEXT   NOT NULL, -- JSON
    applied_at BIGINT NOT NULL  -- microseconds since 1970 UTC
);

-- Keys that every replica needs, sealed by the key-encryption key.
CREATE TABLE mainstay_keys (
    purpose    TEXT   NOT NULL PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);

-- Answers to requests that carried a request_id (AIP-155), for their replay.
CREATE TABLE mainstay_answers (
    principal    TEXT   NOT NULL,
    method       TEXT   NOT NULL,
    request_id   TEXT   NOT NULL,
    request_hash BYTEA  NOT NULL,
    resource_key TEXT   NOT NULL, -- JSON array: the key of the row that was written
    answer       BYTEA  NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (principal, method, request_id)
);
CREATE INDEX mainstay_answers_expiry ON mainstay_answers (expires_at);
