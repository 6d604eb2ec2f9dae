INSERT INTO mainstay_replies (request, fingerprint, resource_key, answer, expires_at)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (request) DO UPDATE
SET fingerprint = excluded.fingerprint, resource_key = excluded.resource_key,
    answer = excluded.answer, expires_at = excluded.expires_at
WHERE mainstay_replies.expires_at <= ?
