//! The table of denials: what a caller is told who may not do something. Every method obeys it and none repeats it.

use mainstay_identity::{Kind, Principal};

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
}
