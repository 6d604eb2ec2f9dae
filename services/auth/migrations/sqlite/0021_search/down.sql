DROP INDEX account_roles_role;
DROP INDEX accounts_disabled;
DROP INDEX accounts_create_time;
DROP INDEX accounts_display_name_key;
