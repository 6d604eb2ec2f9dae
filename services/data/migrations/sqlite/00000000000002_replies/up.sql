-- Answers to requests that carried a request_id (AIP-155), for their replay. What mainstay_answers holds is moved here at
-- the next start.
CREATE TABLE mainstay_replies (
    id           INTEGER PRIMARY KEY,  -- they are kept in the order in which they were given, on few pages
    request      BLOB   NOT NULL,      -- a digest of whose request it is, its method and its id
    fingerprint  BLOB   NOT NULL,      -- a digest of its other fields
    resource_key TEXT   NOT NULL,      -- JSON array: the key of the row that was written
    answer       BLOB   NOT NULL,
    expires_at   BIGINT NOT NULL       -- microseconds since 1970 UTC
);
-- Where the reply to a request is. Digests come in no order, so each of them changes a page of its own: the latest are kept
-- in memory, and stored many at a time, in their order. The request with no bytes stands for the last reply that is in here.
CREATE TABLE mainstay_reply_places (
    request BLOB   NOT NULL PRIMARY KEY,
    reply   BIGINT NOT NULL
) WITHOUT ROWID;
