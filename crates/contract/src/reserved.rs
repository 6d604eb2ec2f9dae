//! Names that an application's contract does not take: others have them.

/// First segments of paths that Mainstay answers itself; an application's routes and packages do not begin with them.
pub const RESERVED_ROOTS: [&str; 12] = [
    "auth",
    "data",
    "gateway",
    "docs",
    "healthz",
    "readyz",
    "metrics",
    ".well-known",
    "openapi.json",
    "contract.binpb",
    "contract.zip",
    "ws",
];

/// First parts of packages that an application may not declare anything in: the platform's, and those of others.
pub const RESERVED_PACKAGES: [&str; 4] = ["mainstay", "google", "buf", "grpc"];

/// Beginnings of the names of tables that the engines and the platform's own tables claim.
pub const RESERVED_TABLES: [&str; 4] = ["sqlite_", "pg_", "mainstay_", "__"];

/// Says whether a package is one of those that are reserved, or lies below one.
pub fn is_reserved_package(package: &str) -> bool {
    package.split('.').next().is_some_and(|first| RESERVED_PACKAGES.contains(&first))
}

/// What the name of a table begins with, in lower case, that is reserved; nothing where it is free.
pub fn reserved_beginning(table: &str) -> Option<&'static str> {
    RESERVED_TABLES.into_iter().find(|beginning| table.starts_with(beginning))
}
