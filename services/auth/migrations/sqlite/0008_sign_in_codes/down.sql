ALTER TABLE one_time_secrets DROP COLUMN tries;
ALTER TABLE one_time_secrets DROP COLUMN code_hash;
