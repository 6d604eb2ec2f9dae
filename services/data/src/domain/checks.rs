//! The order of checks on a write, and the driver that every write goes through: no method has an order of its own.

use std::sync::Arc;

use mainstay_db::Conn;
use mainstay_record::Value;

use crate::error::{Error, Result};

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
    /// What other rows decide: that a parent and references exist and may be read, that nothing refers to what goes. Then
    /// the row is stored, and the database enforces uniqueness.
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

/// What the checks of one write find out for those after them.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The row as it is; nothing where it is missing, or hidden.
    pub old: Option<Vec<Value>>,
    /// The row as it would be.
    pub new: Option<Arc<[Value]>>,
    /// The etag that came with the row.
    pub etag: Option<String>,
}

impl Draft {
    /// The row as it would be. Fails where it is asked for before its turn.
    pub fn new_row(&self) -> Result<&Arc<[Value]>> {
        self.new.as_ref().ok_or(Error::OutOfTurn)
    }
}

/// A write, taken apart into its checks. What a method has no use for, it passes.
pub trait Checked: Send + Sync {
    /// Says whether a check asks the store, which begins the transaction.
    fn asks_the_store(check: Check) -> bool;

    /// Takes a check that needs nothing but the request and what was found before.
    fn check(&self, check: Check, draft: &mut Draft) -> Result<()>;

    /// Takes a check that asks the store.
    fn ask(&self, check: Check, draft: &mut Draft, conn: &mut Conn<'_>) -> impl Future<Output = Result<()>> + Send;
}

/// Takes the checks of a write in the given order, up to the first that asks the store. Returns that one and those behind it.
pub fn before_the_store<'o, W: Checked>(write: &W, order: &'o [Check], draft: &mut Draft) -> Result<&'o [Check]> {
    let mut left = order;
    while let Some((check, later)) = left.split_first()
        && !W::asks_the_store(*check)
    {
        write.check(*check, draft)?;
        left = later;
    }
    Ok(left)
}

/// Takes the checks that are left, in their order, inside the transaction.
pub async fn in_the_store<W: Checked>(write: &W, left: &[Check], draft: &mut Draft, conn: &mut Conn<'_>) -> Result<()> {
    for check in left {
        if W::asks_the_store(*check) {
            write.ask(*check, draft, conn).await?;
        } else {
            write.check(*check, draft)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A write that is wrong in every way, and says which way was found first.
    struct Wrong;

    impl Checked for Wrong {
        fn asks_the_store(check: Check) -> bool {
            check == Check::Constraints
        }

        fn check(&self, check: Check, _: &mut Draft) -> Result<()> {
            Err(Error::ReferenceNotFound { field: format!("{check:?}"), name: String::new() })
        }

        async fn ask(&self, check: Check, draft: &mut Draft, _: &mut Conn<'_>) -> Result<()> {
            self.check(check, draft)
        }
    }

    #[test]
    fn the_first_check_of_the_order_is_the_answer_whatever_the_order() {
        for first in 0..Check::ORDER.len() - 1 {
            let mut order = Check::ORDER;
            order.swap(0, first);
            let found = before_the_store(&Wrong, &order, &mut Draft::default());
            let Err(Error::ReferenceNotFound { field, .. }) = found else { panic!("{found:?}") };
            assert_eq!(field, format!("{:?}", Check::ORDER[first]));
        }
    }

    #[test]
    fn a_check_that_asks_the_store_ends_what_goes_before_it() {
        let order = [Check::Constraints, Check::AuthRule];
        assert_eq!(before_the_store(&Wrong, &order, &mut Draft::default()).unwrap(), order);
    }

    #[test]
    fn a_row_that_is_asked_for_before_its_turn_is_an_error_of_ours() {
        assert!(matches!(Draft::default().new_row(), Err(Error::OutOfTurn)));
    }
}
