-- What somebody has done to others, or in organisations, from networks that are still known: these are forgotten with the account of
-- whoever did it. Most events are of an account's own, and in no such index.
CREATE INDEX audit_events_elsewhere ON audit_events (actor)
    WHERE network IS NOT NULL AND actor <> '' AND actor <> 'accounts/' || account_uid;
