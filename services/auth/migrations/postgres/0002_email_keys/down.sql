-- What has its key of today already keeps it: the former one is not stored.
UPDATE accounts SET email_key = substr(email_key, 8) WHERE email_key LIKE 'former %';
