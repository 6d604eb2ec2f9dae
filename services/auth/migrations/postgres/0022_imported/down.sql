DROP INDEX accounts_foreign_hash;
