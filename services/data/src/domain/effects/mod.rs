//! What the contract does beside what was asked for, in the same transaction (`effect`).
//!
//! What is set in the row itself is part of the write: it is set before the row is checked as it would be. What changes other
//! rows happens when all writes of the request have passed their checks, as the contract and not as the caller: what the writes
//! did is gone through in rounds, of which each does what the one before brought about. In a round all that is to be done is
//! found first and told by row; rows are locked, made and changed in the order of their names, each once, with all that is added
//! to it summed up; then they go along their transitions. So nothing hangs on the order in which they were asked for, and two
//! transactions that do the same wait for each other in one order. Where they begin from two ends, each at the row that the
//! other changes, the store ends one of them, which runs again.
//!
//! What is set in the row itself is read from other rows as they are before any of the request's effects: rows that are made
//! together all read the same.

mod fit;
mod found;
mod moves;
mod order;
mod orders;
mod rows;
mod settle;
mod slot;
mod sums;

use self::orders::Orders;
pub use self::settle::{settle_alone, settle_in};
use super::change::Change;
use super::draft::Refused;
use super::tx::Tx;
use crate::error::Error;

/// The most rows that effects of one request change or make.
pub const MAX_BROUGHT: usize = 1_000;

/// Does what the writes of a request bring about, and notes what that makes of their own rows.
pub async fn happen(tx: &mut Tx<'_, '_>, changes: &mut [Change]) -> Result<(), Refused> {
    let mut events = tx.events();
    let Some(op) = events.first().map(|event| event.op.clone()) else { return Ok(()) };
    let mut brought = 0;
    while !events.is_empty() {
        let orders = Orders::of(tx, &events).await?;
        brought += orders.count();
        if brought > MAX_BROUGHT {
            return Err(events[0].refused(Error::TooManyBrought { most: MAX_BROUGHT }));
        }
        events = orders.carry_out(tx).await?;
    }
    for change in changes.iter_mut().filter(|change| change.after.is_some()) {
        if let Some(left) = tx.left(&op, change) {
            change.after = Some(left);
        }
    }
    Ok(())
}
