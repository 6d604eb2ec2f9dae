//! The order of checks on a write and the table of denials: the two things that every method obeys and nothing repeats.

use mainstay_identity::{Kind, Principal};

/// The order in which a write is checked (AIP-211 made exact). The first check that fails is the answer, so that a caller
/// who may not write learns nothing from what would be checked later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The part of the rule that needs only `auth`.
    AuthRule,
    /// The row exists and the caller may read it.
    Readable,
    /// The rule on the row as it is.
    OldRule,
    /// The mask, and the shape of the request: names, types, masks.
    Shape,
    /// The rule on the row as it would be.
    NewRule,
    /// The etag, where one was given (AIP-154).
    Etag,
    /// REQUIRED, IMMUTABLE and the constraints on values, on the resulting row.
    Validation,
    /// What the database enforces: uniqueness and references.
    Constraints,
}

impl Check {
    /// All checks, first to last.
    pub const ORDER: [Check; 8] = [
        Check::AuthRule,
        Check::Readable,
        Check::OldRule,
        Check::Shape,
        Check::NewRule,
        Check::Etag,
        Check::Validation,
        Check::Constraints,
    ];
}

/// What stands between a caller and a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The resource has no rule for this verb.
    NoRule,
    /// The rule is false for this caller, whatever the row.
    AuthRule,
    /// The row is missing, or the read rule hides it; which of the two is never said.
    NotReadable,
    /// The row can be read, and the rule refuses the write.
    Refused,
}

/// What the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    Unauthenticated,
    NotFound,
    PermissionDenied,
}

/// The table of denials. `public` says whether the read rule holds for this caller whatever the row: only then may
/// nobody be told that a row is missing.
pub fn denial(principal: &Principal, obstacle: Obstacle, public: bool) -> Denial {
    let nobody = principal.kind() == Kind::Anonymous;
    match obstacle {
        Obstacle::NotReadable if nobody && !public => Denial::Unauthenticated,
        Obstacle::NotReadable => Denial::NotFound,
        Obstacle::NoRule | Obstacle::AuthRule | Obstacle::Refused if nobody => Denial::Unauthenticated,
        Obstacle::NoRule | Obstacle::AuthRule | Obstacle::Refused => Denial::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_denials() {
        let nobody = Principal::anonymous();
        let somebody = Principal::service("somebody", Vec::new());
        let table = [
            (&nobody, Obstacle::NoRule, false, Denial::Unauthenticated),
            (&nobody, Obstacle::AuthRule, true, Denial::Unauthenticated),
            (&nobody, Obstacle::Refused, true, Denial::Unauthenticated),
            (&nobody, Obstacle::NotReadable, false, Denial::Unauthenticated),
            (&nobody, Obstacle::NotReadable, true, Denial::NotFound),
            (&somebody, Obstacle::NoRule, false, Denial::PermissionDenied),
            (&somebody, Obstacle::AuthRule, true, Denial::PermissionDenied),
            (&somebody, Obstacle::Refused, true, Denial::PermissionDenied),
            (&somebody, Obstacle::NotReadable, false, Denial::NotFound),
            (&somebody, Obstacle::NotReadable, true, Denial::NotFound),
        ];
        for (principal, obstacle, public, expected) in table {
            assert_eq!(denial(principal, obstacle, public), expected, "{obstacle:?} {public}");
        }
    }

    #[test]
    fn permission_comes_before_validation_and_the_etag_after_permission() {
        let position = |check| Check::ORDER.iter().position(|c| *c == check);
        assert!(Check::ORDER.is_sorted());
        assert!(position(Check::NewRule) < position(Check::Etag));
        assert!(position(Check::Etag) < position(Check::Validation));
    }
}
