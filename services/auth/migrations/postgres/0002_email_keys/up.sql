-- Addresses are compared in another form from now on. Where the two forms may differ, the key that an account has is put
-- aside under a prefix, by which the account is found until the service gives it its key of today (src/rekey.rs). Addresses
-- in ASCII without Punycode have the same key in both forms.
UPDATE accounts
SET email_key = 'former ' || email_key
WHERE octet_length(email) <> char_length(email) OR email_key LIKE '%xn--%';
