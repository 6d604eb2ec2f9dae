//! Names of the platform's own roles.

/// What the names of the platform's own roles begin with. Only the platform gives such a role a meaning, and only an
/// administrator can give one to an account.
pub const RESERVED_PREFIX: &str = "mainstay.";

/// Administers accounts and contracts. No role ever bypasses a resource's rules.
pub const ADMIN: &str = "mainstay.admin";

/// Held by every service account, by no user: one service of the platform talking to another.
pub const SERVICE: &str = "mainstay.service";
