-- Who runs a background job that only one replica may run, and until when.
CREATE TABLE mainstay_leases (
    job    TEXT   NOT NULL PRIMARY KEY,
    holder TEXT   NOT NULL,
    until  BIGINT NOT NULL -- microseconds since 1970 UTC, by the clock of the database
);
