ALTER TABLE revocations DROP COLUMN organisation_uid;
DROP INDEX sessions_organisation_uid;
ALTER TABLE sessions DROP COLUMN organisation_uid;
DROP TABLE member_roles;
DROP TABLE members;
DROP TABLE organisations;
