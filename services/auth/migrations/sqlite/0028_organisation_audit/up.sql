-- The organisation that an event is about, so that its managers find it: what the event itself says (src/audit/chain.rs), which
-- the chain holds. A log that is verified says where the two differ.
ALTER TABLE audit_events ADD COLUMN organisation_uid TEXT;
UPDATE audit_events SET organisation_uid = substr(subject, 15, 36) WHERE subject LIKE 'organisations/%';
CREATE INDEX audit_events_organisation_uid ON audit_events (organisation_uid, uid) WHERE organisation_uid IS NOT NULL;
