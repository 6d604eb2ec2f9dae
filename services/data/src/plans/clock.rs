//! How rows are found whose time has come.

use mainstay_expr::Expr;
use mainstay_sql::{After, Condition, NullPattern, OrderColumn, Select, Tables, Truths, select};

use super::due::Due;
use super::resource::ResourcePlan;

impl ResourcePlan {
    /// Compiles how rows are found of which this is true; `before` are columns that are found before the key.
    pub(super) fn due_where(&self, condition: &Expr, tables: &Tables, before: &[usize]) -> Due {
        let columns: Vec<usize> = before.iter().copied().chain(0..self.resource.layout.keys()).collect();
        let order: Vec<OrderColumn> =
            columns.iter().map(|index| OrderColumn { index: *index, descending: false, prefix: None }).collect();
        let kinds = columns.iter().map(|index| self.resource.layout.columns[*index].kind).collect();
        let find = |after| {
            let rows = Select {
                table: self.table(),
                columns: columns.clone(),
                condition: Condition::Expr(condition, tables),
                order: &order,
                after,
                limit_param: Some(0),
                lock: None,
                truths: Truths::NONE,
            };
            self.shapes().compile(select(self.dialect, &rows))
        };
        let nulls = NullPattern::of(order.iter().map(|_| false));
        Due { first: find(None), next: find(Some(After { first_param: 1, nulls })), kinds }
    }

    /// How rows are found that go along a transition by the clock, where that happens.
    pub fn due_for(&self, which: u16) -> Option<&Due> {
        let own = self.transitions.get(usize::from(which))?;
        let condition = own.by_clock.as_ref()?;
        Some(own.due.get_or_init(|| self.due_where(condition, Tables::NONE, &[])))
    }
}
