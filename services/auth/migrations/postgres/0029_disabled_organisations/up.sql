-- When nobody acts in the organisation any more; nothing where its members do.
ALTER TABLE organisations ADD COLUMN disable_time BIGINT;
