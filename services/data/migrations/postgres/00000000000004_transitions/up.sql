-- What took rows from state to state, as long as the rows are there.
CREATE TABLE mainstay_transitions (
    resource   TEXT   NOT NULL, -- the resource's type
    row_key    TEXT   NOT NULL, -- the ids of the row's name, with slashes between
    revision   BIGINT NOT NULL, -- that the row has had since
    at         BIGINT NOT NULL, -- microseconds since 1970 UTC
    actor      TEXT   NOT NULL, -- the account; empty for nobody, and for what happened by itself
    transition TEXT   NOT NULL,
    field      BIGINT NOT NULL, -- the number of the field of states, and those of the two states
    from_state BIGINT NOT NULL,
    to_state   BIGINT NOT NULL,
    inputs     BYTEA  NOT NULL, -- what was given, as a message of the resource
    PRIMARY KEY (resource, row_key, revision)
);
