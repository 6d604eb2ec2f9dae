ALTER TABLE sessions DROP COLUMN authenticate_time;
ALTER TABLE sessions DROP COLUMN methods;
-- The version before knows only one.
DELETE FROM signing_keys WHERE algorithm <> 'EdDSA';
ALTER TABLE signing_keys DROP COLUMN algorithm;
