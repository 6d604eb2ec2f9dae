//! What is decided about resources whose deleted rows are kept (AIP-164).

use std::sync::Arc;

use mainstay_contract::{OnDelete, SoftDelete};
use mainstay_expr::{CompareOp, Expr, Root};
use mainstay_record::{Kind, Value};
use mainstay_sql::{Condition, Lock, OrderColumn, Select, Tables, Truths, select};

use super::compiled::Compiled;
use super::dependents::{By, Dependent};
use super::due::Due;
use super::guard::Verdict;
use super::resource::ResourcePlan;
use crate::rights::Caller;

/// What is found of rows that keep another.
#[derive(Debug, Clone, Copy, Default)]
struct Found<'r> {
    /// All of a row, and it is held; else its key.
    whole: bool,
    rule: Option<&'r Expr>,
}

impl ResourcePlan {
    /// The condition that a row is not deleted, where that is not so anyway.
    pub fn live(&self) -> Option<Condition<'static>> {
        self.resource.soft_delete.map(|SoftDelete { delete_time: column, .. }| Condition::Unset { column })
    }

    /// Says whether a row is deleted.
    pub fn is_deleted(&self, row: &[Value]) -> bool {
        self.resource.soft_delete.is_some_and(|kept| !row[kept.delete_time].is_null())
    }

    /// The statement that finds the keys of rows of this resource which keep another's. Params: the other's key, then the
    /// limit.
    pub fn keeping(&self, by: By) -> Arc<Compiled> {
        self.dependent(by, Found::default())
    }

    /// The statement that finds these rows whole, and holds them.
    pub fn rows_keeping(&self, by: By) -> Arc<Compiled> {
        self.dependent(by, Found { whole: true, rule: None })
    }

    /// The statement that finds the keys of those that the caller may read; none where that is none.
    pub fn seen_keeping(&self, by: By, caller: &Caller) -> Option<Arc<Compiled>> {
        if caller.is_system() {
            return Some(self.keeping(by));
        }
        let guard = self.read.as_deref().filter(|guard| !guard.is_closed_to(caller))?;
        match guard.verdict(guard.atoms(caller)) {
            Verdict::Never => None,
            Verdict::Always => Some(self.keeping(by)),
            Verdict::Depends(rule) => Some(self.dependent(by, Found { whole: false, rule: Some(&rule) })),
        }
    }

    fn dependent(&self, by: By, found: Found<'_>) -> Arc<Compiled> {
        let keys = self.resource.layout.keys();
        let (mut conditions, count, live) = match by {
            By::Parent { live } => {
                let count = self.resource.parent_keys();
                (vec![Condition::KeyPrefix { count, first_param: 0 }], count, live)
            }
            By::Reference { position, to_itself, live } => {
                let columns = &self.resource.references[position].key;
                let refers = Condition::Equal { columns, first_param: 0 };
                // What refers to itself goes with itself.
                let other = to_itself.then_some(Condition::OtherThanKeys { first_param: 0 });
                (std::iter::once(refers).chain(other).collect(), columns.len(), live)
            }
            // No column of the row tells them.
            By::Link { live, .. } => (vec![Condition::Expr(&Expr::FALSE, Tables::NONE)], keys, live),
        };
        conditions.extend(self.live().filter(|_| live));
        conditions.extend(found.rule.map(|rule| Condition::Expr(rule, &self.relations().tables)));
        let order: Vec<OrderColumn> =
            (0..keys).map(|index| OrderColumn { index, descending: false, prefix: None }).collect();
        let dependent = Select {
            table: self.table(),
            columns: (0..if found.whole { self.resource.layout.columns.len() } else { keys }).collect(),
            condition: Condition::All(conditions),
            order: &order,
            after: None,
            limit_param: Some(count),
            lock: found.whole.then_some(Lock::Remove),
            truths: Truths::NONE,
        };
        self.shapes().compile(select(self.dialect, &dependent))
    }

    /// Compiles how rows are found whose time is over, where there are such.
    pub(super) fn find_due(&self) -> Option<Due> {
        let SoftDelete { delete_time, expire_time, purge_after_us } = self.resource.soft_delete?;
        // Those first that were deleted first.
        Some(self.due_where(&over(delete_time, expire_time, purge_after_us?), Tables::NONE, &[delete_time]))
    }
}

/// Says whether a row was deleted long enough ago, and not promised to be there for longer.
fn over(delete_time: usize, expire_time: Option<usize>, purge_after_us: i64) -> Expr {
    let column = |index| Box::new(Expr::column(Root::Resource, index, Kind::Timestamp));
    let before = |index, offset_us| Expr::Compare {
        op: CompareOp::Le,
        left: column(index),
        right: Box::new(Expr::Now { offset_us }),
    };
    let promised = expire_time.map(|index| Expr::Or(vec![Expr::IsNull(column(index)), before(index, 0)]));
    Expr::And(std::iter::once(before(delete_time, -purge_after_us)).chain(promised).collect())
}

/// Tells each resource which others keep its rows, or go with them.
pub(super) fn connect(resources: &mut [ResourcePlan]) {
    for other in 0..resources.len() {
        let plan = Arc::clone(&resources[other].resource);
        let keeps = |resources: &[ResourcePlan], resource: usize| resources[resource].resource.soft_delete.is_some();
        if let Some(parent) = plan.parent.filter(|_| plan.singleton) {
            resources[parent].singletons.push(other);
        }
        if let Some(parent) = plan.parent {
            let live = keeps(resources, parent);
            let below = |on_delete, live| Dependent::new(other, on_delete, By::Parent { live }, false);
            match (live, plan.singleton) {
                // It stays as long as its parent is kept, and goes with that.
                (true, true) => resources[parent].remains.push(below(OnDelete::Cascade, false)),
                (true, false) => {
                    resources[parent].dependents.push(below(plan.on_parent_delete, live));
                    resources[parent].remains.push(below(OnDelete::Restrict, false));
                }
                (false, _) => resources[parent].dependents.push(below(plan.on_parent_delete, live)),
            }
        }
        for (position, reference) in plan.references.iter().enumerate() {
            let live = keeps(resources, reference.resource);
            let by = By::Reference { position, to_itself: reference.resource == other, live };
            let is_enforced = !live && reference.on_delete == OnDelete::Restrict;
            let dependent = Dependent::new(other, reference.on_delete, by, is_enforced);
            resources[reference.resource].dependents.push(dependent);
        }
        for (position, link) in plan.links.iter().enumerate() {
            let Some(target) = link.resource else { continue };
            let (live, to_itself) = (keeps(resources, target), target == other);
            let by = |live| By::Link { position, to_itself, live };
            resources[target].dependents.push(Dependent::new(other, link.on_delete, by(live), false));
            if live {
                // What is deleted and kept may be brought back, with all that it names.
                resources[target].remains.push(Dependent::new(other, OnDelete::Restrict, by(false), false));
            }
        }
    }
}
