DROP INDEX accounts_user_name_look_taken;
DROP INDEX accounts_user_name_taken;
ALTER TABLE accounts DROP COLUMN claims;
ALTER TABLE accounts DROP COLUMN picture_uri;
ALTER TABLE accounts DROP COLUMN display_name_key;
ALTER TABLE accounts DROP COLUMN display_name;
ALTER TABLE accounts DROP COLUMN user_name_look;
ALTER TABLE accounts DROP COLUMN user_name;
