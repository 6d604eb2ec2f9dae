-- Secrets that are typed: a hash with a key that is not in the database, and how many were tried.
ALTER TABLE one_time_secrets ADD COLUMN code_hash BLOB;
ALTER TABLE one_time_secrets ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
