-- What accounts are looked for by: see src/store/search.rs. Addresses and user names have indexes as they are.
CREATE INDEX accounts_display_name_key ON accounts (display_name_key, uid);
CREATE INDEX accounts_create_time ON accounts (create_time, uid);
CREATE INDEX accounts_disabled ON accounts (uid) WHERE disable_time IS NOT NULL;
CREATE INDEX account_roles_role ON account_roles (role, account_uid);
