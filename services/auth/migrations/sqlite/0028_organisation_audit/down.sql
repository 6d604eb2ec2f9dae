DROP INDEX audit_events_organisation_uid;
ALTER TABLE audit_events DROP COLUMN organisation_uid;
