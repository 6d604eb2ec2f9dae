-- What an account can be signed in to with in the place of its address, in its one form, and what all names share that look like
-- it: see src/domain/user_name.rs.
ALTER TABLE accounts ADD COLUMN user_name TEXT COLLATE "C";
ALTER TABLE accounts ADD COLUMN user_name_look TEXT COLLATE "C";
-- What its owner wants to be called, and where a picture is; or nothing.
ALTER TABLE accounts ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
-- Folded, to be looked for.
ALTER TABLE accounts ADD COLUMN display_name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN picture_uri TEXT NOT NULL DEFAULT '';
-- What administrators have its tokens say: a JSON object, or nothing.
ALTER TABLE accounts ADD COLUMN claims TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX accounts_user_name_taken ON accounts (user_name);
CREATE UNIQUE INDEX accounts_user_name_look_taken ON accounts (user_name_look);
