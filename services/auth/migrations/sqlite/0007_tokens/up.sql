-- How the key signs, in the spelling of `alg` (RFC 7518 section 3.1).
ALTER TABLE signing_keys ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'EdDSA';

-- How the owner has shown who they are, in the words of RFC 8176 with blanks between, and when. So far there were passwords only.
ALTER TABLE sessions ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE sessions ADD COLUMN authenticate_time INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET authenticate_time = create_time;
