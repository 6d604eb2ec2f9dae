//! The order of checks on a write, and the driver that every write goes through: no method has an order of its own.

use std::sync::Arc;

use mainstay_contract::Trigger;
use mainstay_db::BoxFuture;

use super::around::{Ruled, sees_around};
use super::change::Change;
use super::content::Content;
use super::context::Operation;
use super::draft::{Draft, Refusals, Refused};
use super::effects;
use super::fields::{look_who_is_told, look_who_sets, set_around, told_around};
use super::planned::Planned;
use super::released::releases;
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::Effects;

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
    /// The mask, and the shape of the request: names, types, masks; first what was found wrong with it on its way here.
    Shape,
    /// The rule on the row as it would be.
    NewRule,
    /// The etag, where one was given (AIP-154).
    Etag,
    /// What the contract sets in the row beside what was asked for.
    Settled,
    /// REQUIRED, IMMUTABLE and the constraints on values, on the resulting row.
    Validation,
    /// What other rows decide: that a parent and references exist and may be read, that nothing refers to what goes. Then
    /// the row is stored, and the database enforces uniqueness.
    Constraints,
}

impl Check {
    /// All checks, first to last.
    pub const ORDER: [Check; 9] = [
        Check::AuthRule,
        Check::Readable,
        Check::OldRule,
        Check::Shape,
        Check::NewRule,
        Check::Etag,
        Check::Settled,
        Check::Validation,
        Check::Constraints,
    ];
}

/// A write, taken apart into its checks. What a method has no use for, it passes.
pub trait Checked: Send + Sync {
    /// Says whether a check asks the store, which begins the transaction.
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool;

    /// Takes a check that needs nothing but the request and what was found before.
    fn check(&self, check: Check, draft: &mut Draft) -> Result<()>;

    /// The rule that a check asks of the records that are known by then. The rows that it looks at beside them are found
    /// first, in the transaction.
    fn rule<'d>(&'d self, _: Check, _: &'d Draft) -> Option<Ruled<'d>> {
        None
    }

    /// Checks that rule.
    fn allow(&self, check: Check, draft: &Draft) -> Result<()> {
        self.rule(check, draft).map_or(Ok(()), |ruled| ruled.allow(&draft.around))
    }

    /// Takes a check that asks the store.
    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>>;

    /// What the write is to effects of its resource, and on whose behalf.
    fn cause<'w>(&'w self, _: &Draft) -> Option<(&'w Operation, Trigger)> {
        None
    }

    /// The row that the write looks for: of two transactions, both lock what they share in one order.
    fn looks_for(&self) -> Option<(usize, &str)> {
        None
    }
}

/// One write that a request asks for: what it was read from is all that it knows, the store it meets in its checks. Once
/// they are passed its draft says what is to be done, which is the same whatever the method.
pub trait WriteOp: Checked + 'static {
    /// On whose behalf, on what.
    fn op(&self) -> &Operation;

    /// Adds what it says, by which it is told from others.
    fn content(&self, content: &mut Content);

    /// Says whether nobody else can lock the row that it looks for as long as this one has it.
    fn takes_turns(&self) -> bool {
        true
    }

    /// The row that it makes, where its name can be told.
    fn makes(&self) -> Option<(usize, String)> {
        None
    }

    /// What it counts for in a request of many writes: itself, and each field that it computes.
    fn weight(&self) -> usize {
        1
    }

    /// Does what takes long and needs no look at the store, before others wait for the transaction.
    fn prepare(&self) {}
}

/// A check of the request as a whole: it comes before the same check of each of its writes.
pub type Whole<'w> = &'w (dyn Fn(Check) -> Result<()> + Sync);

/// Takes the checks of all writes in the given order, up to the first that asks the store. Returns that one and those
/// behind it. No write is looked at more closely before all have passed what comes first.
pub fn before_the_store<'o, W: Checked + ?Sized>(
    writes: &[Arc<W>],
    whole: Whole<'_>,
    order: &'o [Check],
    drafts: &mut [Draft],
) -> std::result::Result<&'o [Check], Refusals> {
    let mut left = order;
    while let Some((check, later)) = left.split_first()
        && !writes.iter().zip(&*drafts).any(|(write, draft)| needs_the_store(&**write, *check, draft))
    {
        whole(*check).map_err(|error| vec![error.into()])?;
        let mut refused = Vec::new();
        for (write, (op, draft)) in writes.iter().zip(&mut *drafts).enumerate() {
            note(&mut refused, write, check_alone(&**op, *check, draft));
        }
        passed(refused)?;
        left = later;
    }
    Ok(left)
}

/// Takes the checks that are left, in their order, inside the transaction, and stores what they let through. What other rows
/// decide is asked of each write when those before it are done.
pub async fn in_the_store<W: WriteOp + ?Sized>(
    writes: &[Arc<W>],
    whole: Whole<'_>,
    left: &[Check],
    mut drafts: Vec<Draft>,
    tx: &mut Tx<'_, '_>,
) -> std::result::Result<Vec<Change>, Refusals> {
    writes.iter().for_each(|write| tx.lead(write.op().plan()));
    let looks = writes.len() > 1 && writes.iter().any(|write| write.op().plan().looks_around());
    let mut shaped = Vec::new();
    for check in left.iter().filter(|check| **check != Check::Constraints) {
        if looks && *check > Check::Readable && shaped.is_empty() {
            shaped = shape(writes, left.contains(&Check::Shape), &drafts, tx);
        }
        whole(*check).map_err(|error| vec![error.into()])?;
        match check {
            Check::Shape if !shaped.is_empty() => take_shaped(&mut shaped, &mut drafts)?,
            _ => take(writes, *check, &mut drafts, tx).await?,
        }
    }
    let known: Vec<_> = writes.iter().map(|write| write.op()).zip(&drafts).collect();
    for release in releases(&known) {
        tx.free(&release, writes[release.write].op());
    }
    let mut changes = Vec::with_capacity(writes.len());
    for (write, (op, mut draft)) in writes.iter().zip(drafts).enumerate() {
        if left.contains(&Check::Constraints) {
            let asked = one((write, &**op), Check::Constraints, &mut draft, tx).await;
            asked.map_err(|error| vec![tx.refused(Some(write), error)])?;
        }
        let trigger = op.cause(&draft).map(|(_, trigger)| trigger);
        let change = tx.store(write, op.op(), trigger, draft);
        changes.push(change.map_err(|error| vec![Refused { write: Some(write), error }])?);
    }
    if tx.has_events() {
        // Boxed, as what few writes bring about: a future is as large as the largest thing in it.
        Box::pin(effects::happen(tx, &mut changes)).await.map_err(|refused| vec![refused])?;
    }
    tx.flush().await.map_err(|error| vec![tx.refused(None, error)])?;
    for (write, (op, change)) in writes.iter().zip(&mut changes).enumerate().filter(|(_, (op, _))| sees_around(op.op()))
    {
        let seen = Box::pin(tx.sees(op.op(), change)).await;
        change.seen = seen.map_err(|error| vec![tx.refused(Some(write), error)])?;
    }
    Ok(changes)
}

/// What came of a write's shape, which is told in its turn.
struct Shaped {
    draft: Draft,
    outcome: Result<()>,
}

/// Puts the rows together as the writes would have them before it is said what is wrong with that, because the rules of a
/// write look at what those before it make. Where the shapes were taken already, they are what is in the drafts.
fn shape<W: WriteOp + ?Sized>(writes: &[Arc<W>], ahead: bool, drafts: &[Draft], tx: &mut Tx<'_, '_>) -> Vec<Shaped> {
    let mut planned = Planned::default();
    let of = |(write, (op, draft)): (usize, (&Arc<W>, &Draft))| {
        let mut draft = draft.clone();
        let outcome = if ahead { op.check(Check::Shape, &mut draft) } else { Ok(()) };
        if outcome.is_ok() {
            planned.put_draft(write, op.op(), &draft);
        }
        Shaped { draft, outcome }
    };
    let shaped = writes.iter().zip(drafts).enumerate().map(of).collect();
    tx.plan(planned);
    shaped
}

/// Says what came of the shapes.
fn take_shaped(shaped: &mut [Shaped], drafts: &mut [Draft]) -> std::result::Result<(), Refusals> {
    let mut refused = Vec::new();
    for (write, (shaped, draft)) in shaped.iter_mut().zip(drafts).enumerate() {
        // The rows that rules have looked at since then stay.
        let around = std::mem::take(&mut draft.around);
        *draft = Draft { around, ..std::mem::take(&mut shaped.draft) };
        note(&mut refused, write, std::mem::replace(&mut shaped.outcome, Ok(())));
    }
    passed(refused)
}

/// Takes one check of all writes.
async fn take<W: WriteOp + ?Sized>(
    writes: &[Arc<W>],
    check: Check,
    drafts: &mut [Draft],
    tx: &mut Tx<'_, '_>,
) -> std::result::Result<(), Refusals> {
    if let ([write], [draft]) = (writes, &mut *drafts) {
        let outcome = one((0, &**write), check, draft, tx).await;
        return outcome.map_err(|error| vec![tx.refused(Some(0), error)]);
    }
    let mut order: Vec<usize> = (0..writes.len()).collect();
    order.sort_by_key(|write| writes[*write].looks_for());
    let mut refused = Vec::new();
    for write in order {
        let outcome = one((write, &*writes[write]), check, &mut drafts[write], tx).await;
        if let Err(error @ (Error::Storage(_) | Error::StaleSchema(_) | Error::TooMuch)) = outcome {
            return Err(vec![tx.refused(Some(write), error)]);
        }
        note(&mut refused, write, outcome);
    }
    refused.sort_by_key(|refused| refused.write);
    passed(refused)
}

/// Says whether a check begins the transaction: it asks the store, or its rule looks at rows that are not in hand.
fn needs_the_store<W: Checked + ?Sized>(write: &W, check: Check, draft: &Draft) -> bool {
    let effects = |of: fn(&Effects, Trigger) -> bool| {
        write.cause(draft).is_some_and(|(op, trigger)| of(&op.plan().effects, trigger))
    };
    let fields = |around: fn(&Operation, &Draft) -> bool| write.cause(draft).is_some_and(|(op, _)| around(op, draft));
    match check {
        Check::Settled => effects(Effects::settle_around),
        Check::Constraints if effects(Effects::reach_others) => true,
        Check::NewRule if fields(set_around) => true,
        Check::Validation if fields(told_around) => true,
        _ => write.asks_the_store(check, draft) || write.rule(check, draft).is_some_and(|ruled| ruled.looks_around()),
    }
}

async fn one<W: Checked + ?Sized>(
    (place, write): (usize, &W),
    check: Check,
    draft: &mut Draft,
    tx: &mut Tx<'_, '_>,
) -> Result<()> {
    if check == Check::Settled {
        return match write.cause(draft).filter(|(op, trigger)| op.plan().effects.settle(*trigger)) {
            Some(cause) => Box::pin(settle(place, cause, draft, tx)).await,
            None => Ok(()),
        };
    }
    if write.rule(check, draft).is_some_and(|ruled| ruled.looks_around()) {
        // Boxed, as what few rules do.
        Box::pin(look(place, write, check, draft, tx)).await?;
    }
    if let Some((op, _)) = write.cause(draft).filter(|_| matches!(check, Check::NewRule | Check::Validation)) {
        match check {
            Check::NewRule if set_around(op, draft) => Box::pin(look_who_sets(tx, place, op, draft)).await?,
            Check::Validation if told_around(op, draft) => Box::pin(look_who_is_told(tx, place, op, draft)).await?,
            _ => {}
        }
    }
    if write.asks_the_store(check, draft) { write.ask(check, draft, tx).await } else { write.check(check, draft) }
}

/// Finds the rows that the rule of a check looks at.
async fn look<W: Checked + ?Sized>(
    place: usize,
    write: &W,
    check: Check,
    draft: &mut Draft,
    tx: &mut Tx<'_, '_>,
) -> Result<()> {
    let mut around = std::mem::take(&mut draft.around);
    if let Some(ruled) = write.rule(check, draft) {
        tx.look_around(place, &ruled, &mut around).await?;
    }
    draft.around = around;
    Ok(())
}

/// Sets what the contract sets in the row.
async fn settle(
    place: usize,
    (op, trigger): (&Operation, Trigger),
    draft: &mut Draft,
    tx: &mut Tx<'_, '_>,
) -> Result<()> {
    if op.plan().effects.settle_around(trigger) {
        tx.begin_settling(place, op, draft).await?;
    }
    let settled = effects::settle_in(tx, (op, trigger), draft).await;
    tx.end_settling();
    settled
}

/// Takes a check that needs nothing of the store.
fn check_alone<W: Checked + ?Sized>(write: &W, check: Check, draft: &mut Draft) -> Result<()> {
    match write.cause(draft) {
        Some(cause) if check == Check::Settled => effects::settle_alone(cause, draft),
        _ => write.check(check, draft),
    }
}

fn note(refused: &mut Refusals, write: usize, outcome: Result<()>) {
    if let Err(error) = outcome {
        refused.push(Refused { write: Some(write), error });
    }
}

fn passed(refused: Refusals) -> std::result::Result<(), Refusals> {
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A write that is wrong in every way, and says which way was found first.
    struct Wrong;

    impl Checked for Wrong {
        fn asks_the_store(&self, check: Check, _: &Draft) -> bool {
            check == Check::Constraints
        }

        fn check(&self, check: Check, _: &mut Draft) -> Result<()> {
            Err(Error::ReferenceNotFound { field: format!("{check:?}"), name: String::new() })
        }

        fn ask<'a>(&'a self, _: Check, _: &'a mut Draft, _: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
            Box::pin(async { Ok(()) })
        }
    }

    #[test]
    fn the_first_check_of_the_order_is_the_answer_whatever_the_order() {
        for first in 0..Check::ORDER.len() - 1 {
            let mut order = Check::ORDER;
            order.swap(0, first);
            let found = before_the_store(
                &[Arc::new(Wrong), Arc::new(Wrong)],
                &|_| Ok(()),
                &order,
                &mut vec![Draft::default(); 2],
            );
            let refused = found.unwrap_err();
            for (write, refused) in refused.iter().enumerate() {
                let Error::ReferenceNotFound { field, .. } = &refused.error else { panic!("{refused:?}") };
                assert_eq!((refused.write, field), (Some(write), &format!("{:?}", Check::ORDER[first])));
            }
            assert_eq!(refused.len(), 2, "all writes are told what is wrong with them, in one check");
        }
    }

    #[test]
    fn a_check_that_asks_the_store_ends_what_goes_before_it() {
        let order = [Check::Constraints, Check::AuthRule];
        assert_eq!(before_the_store(&[Arc::new(Wrong)], &|_| Ok(()), &order, &mut [Draft::default()]).unwrap(), order);
    }

    #[test]
    fn a_row_that_is_asked_for_before_its_turn_is_an_error_of_ours() {
        assert!(matches!(Draft::default().new_row(), Err(Error::OutOfTurn)));
    }
}
