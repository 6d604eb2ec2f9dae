//! What is decided about resources whose deleted rows are kept (AIP-164).

use std::sync::Arc;

use mainstay_contract::{Reference, SoftDelete};
use mainstay_expr::{CompareOp, Expr, Root};
use mainstay_record::{Kind, Value};
use mainstay_sql::{After, Condition, NullPattern, OrderColumn, Select, Tables, select};

use super::compiled::Compiled;
use super::dependents::{By, Dependent};
use super::due::Due;
use super::resource::ResourcePlan;

impl ResourcePlan {
    /// The condition that a row is not deleted, where that is not so anyway.
    pub fn live(&self) -> Option<Condition<'static>> {
        self.resource.soft_delete.map(|SoftDelete { delete_time: column, .. }| Condition::Unset { column })
    }

    /// Says whether a row is deleted.
    pub fn is_deleted(&self, row: &[Value]) -> bool {
        self.resource.soft_delete.is_some_and(|kept| !row[kept.delete_time].is_null())
    }

    /// The statement that finds rows of this resource under a parent; where the parent's row stays when it is deleted, only
    /// those that are not deleted. Params: the parent's key, then the limit.
    pub fn under_parent(&self, live: bool) -> Arc<Compiled> {
        let count = self.resource.layout.keys() - 1;
        self.dependent(Condition::KeyPrefix { count, first_param: 0 }, live, count)
    }

    /// The statement that finds rows of this resource that refer to another one. Params: that one's key, then the limit.
    pub fn referring(&self, reference: &Reference, to_itself: bool) -> Arc<Compiled> {
        let columns = &reference.columns;
        let refers = Condition::Equal { columns, first_param: 0 };
        // What refers to itself goes with itself.
        let other = to_itself.then_some(Condition::OtherThanKeys { first_param: 0 });
        self.dependent(Condition::All(std::iter::once(refers).chain(other).collect()), true, columns.len())
    }

    /// The statement that finds rows of this resource which keep another's.
    pub fn keeping(&self, by: By) -> Arc<Compiled> {
        match by {
            By::Parent { live } => self.under_parent(live),
            By::Reference { position, to_itself } => self.referring(&self.resource.references[position], to_itself),
        }
    }

    fn dependent(&self, condition: Condition<'_>, live: bool, limit_param: usize) -> Arc<Compiled> {
        let live = self.live().filter(|_| live);
        let dependent = Select {
            table: self.table(),
            columns: vec![self.resource.layout.keys() - 1],
            condition: Condition::All(std::iter::once(condition).chain(live).collect()),
            order: &[],
            after: None,
            limit_param: Some(limit_param),
            lock: None,
        };
        self.shapes().compile(select(self.dialect, &dependent))
    }

    /// Compiles how rows are found whose time is over, where there are such.
    pub(super) fn find_due(&self) -> Option<Due> {
        let SoftDelete { delete_time, expire_time, purge_after_us } = self.resource.soft_delete?;
        let over = over(delete_time, expire_time, purge_after_us?);
        let keys = 0..self.resource.layout.keys();
        let order: Vec<OrderColumn> = std::iter::once(delete_time)
            .chain(keys)
            .map(|index| OrderColumn { index, descending: false, prefix: None })
            .collect();
        let columns: Vec<usize> = order.iter().map(|column| column.index).collect();
        let kinds = columns.iter().map(|index| self.resource.layout.columns[*index].kind).collect();
        let find = |after| {
            let rows = Select {
                table: self.table(),
                columns: columns.clone(),
                condition: Condition::Expr(&over, Tables::NONE),
                order: &order,
                after,
                limit_param: Some(0),
                lock: None,
            };
            self.shapes().compile(select(self.dialect, &rows))
        };
        let nulls = NullPattern::of(order.iter().map(|_| false));
        Some(Due { first: find(None), next: find(Some(After { first_param: 1, nulls })), kinds })
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

/// Tells each resource which others keep its rows.
pub(super) fn connect(resources: &mut [ResourcePlan]) {
    for other in 0..resources.len() {
        let plan = Arc::clone(&resources[other].resource);
        let keeps = |resource: usize| resources[resource].resource.soft_delete.is_some();
        let references = plan.references.iter().enumerate().filter(|(_, reference)| keeps(reference.resource));
        let referring: Vec<(usize, By)> = references
            .map(|(position, reference)| {
                (reference.resource, By::Reference { position, to_itself: reference.resource == other })
            })
            .collect();
        if let Some(parent) = plan.parent {
            let live = keeps(parent);
            resources[parent].dependents.push(Dependent::new(other, By::Parent { live }));
            if live {
                resources[parent].remains.push(Dependent::new(other, By::Parent { live: false }));
            }
        }
        for (resource, by) in referring {
            resources[resource].dependents.push(Dependent::new(other, by));
        }
    }
}
