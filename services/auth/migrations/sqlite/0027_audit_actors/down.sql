DROP INDEX audit_events_elsewhere;
