-- Accounts whose password has a hash that another system made, until their owner signs in: see src/hashing/foreign.rs.
CREATE INDEX accounts_foreign_hash ON accounts (uid) WHERE password_hash NOT LIKE '$argon2%';
