-- The application's contract as the gateway saw it last, so that a gateway that starts while data is away knows its
-- routes. One row at most.
CREATE TABLE gateway_contract (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL,
    hash TEXT NOT NULL,
    -- An encoded google.protobuf.FileDescriptorSet.
    descriptor_set BLOB NOT NULL,
    -- Microseconds since 1970-01-01T00:00:00Z.
    fetched_at_us BIGINT NOT NULL
);
