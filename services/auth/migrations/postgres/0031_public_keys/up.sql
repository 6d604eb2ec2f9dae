-- A key of a service account may be a key pair whose private half nobody here has ever seen (RFC 7523): this is the other half,
-- as JSON; empty where the key is a secret.
ALTER TABLE service_account_keys ADD COLUMN public_key TEXT NOT NULL DEFAULT '';
