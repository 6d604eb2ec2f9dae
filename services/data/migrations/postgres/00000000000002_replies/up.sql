-- Answers to requests that carried a request_id (AIP-155), for their replay. What mainstay_answers holds is moved here at
-- the next start. One short key of few bytes: the ids come in no order, so each of them changes a page of its index.
CREATE TABLE mainstay_replies (
    request      BYTEA  NOT NULL PRIMARY KEY, -- a digest of whose request it is, its method and its id
    fingerprint  BYTEA  NOT NULL,             -- a digest of its other fields
    resource_key TEXT   NOT NULL,             -- JSON array: the key of the row that was written
    answer       BYTEA  NOT NULL,
    expires_at   BIGINT NOT NULL              -- microseconds since 1970 UTC
);
CREATE INDEX mainstay_replies_expiry ON mainstay_replies (expires_at);
