INSERT INTO mainstay_answers (principal, method, request_id, request_hash, resource_key, answer, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (principal, method, request_id) DO UPDATE
SET request_hash = excluded.request_hash, resource_key = excluded.resource_key,
    answer = excluded.answer, expires_at = excluded.expires_at
WHERE mainstay_answers.expires_at <= ?
