DROP TABLE one_time_secrets;
ALTER TABLE accounts DROP COLUMN locale;
ALTER TABLE accounts DROP COLUMN pending_email_approved;
ALTER TABLE accounts DROP COLUMN pending_email_proved;
ALTER TABLE accounts DROP COLUMN pending_email_key;
ALTER TABLE accounts DROP COLUMN pending_email;
