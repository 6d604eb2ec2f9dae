-- Mails that are to be sent: each is here until it was sent or given up. In development, where nobody sends them, they stay
-- for a day as the mailbox.
CREATE TABLE mails (
    uid            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- To whom and what, sealed with the key-encryption key: a copy of the database tells neither addresses nor links.
    sealed_content BYTEA NOT NULL,
    create_time    BIGINT NOT NULL,
    -- When it is of no more use.
    expire_time    BIGINT NOT NULL,
    -- How often it was tried to send it.
    attempts       BIGINT NOT NULL,
    -- When it is tried next.
    attempt_time   BIGINT NOT NULL,
    -- When it was put into the mailbox.
    deliver_time   BIGINT
);

CREATE INDEX mails_attempt_time ON mails (attempt_time) WHERE deliver_time IS NULL;
CREATE INDEX mails_expire_time ON mails (expire_time);
