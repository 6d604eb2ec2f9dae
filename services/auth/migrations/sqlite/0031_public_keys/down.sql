ALTER TABLE service_account_keys DROP COLUMN public_key;
