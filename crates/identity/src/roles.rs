//! Names of the platform's own roles.

/// What the names of the platform's own roles begin with. Only the platform gives such a role a meaning, and only an
/// administrator can give one to an account.
pub const RESERVED_PREFIX: &str = "mainstay.";

/// Administers accounts and contracts. No role ever bypasses a resource's rules.
pub const ADMIN: &str = "mainstay.admin";

/// Owns the organisation that its holder acts in: one of the roles of [`Principal::organisation_roles`], worth nothing among
/// those of an account.
///
/// [`Principal::organisation_roles`]: crate::Principal::organisation_roles
pub const OWNER: &str = "mainstay.owner";

/// Administers the organisation that its holder acts in, in the same way.
pub const MANAGER: &str = "mainstay.manager";

/// Acts as other accounts, for a while and to read, unless more is allowed. It comes with no other right, and no other role comes with
/// it.
pub const IMPERSONATOR: &str = "mainstay.impersonator";

/// Held by every service account, by no user: one service of the platform talking to another.
pub const SERVICE: &str = "mainstay.service";
