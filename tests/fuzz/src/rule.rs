//! A rule, as one stands in a contract.

use mainstay_contract::compile;
use mainstay_expr::{AuthView, Scope, evaluate};
use mainstay_sql::{Dialect, Table, expression, from_above};

use crate::sample::{book, row, source, tables, text};

/// It compiles to SQL of both engines and can be evaluated, or is refused.
pub fn take(rule: &str) {
    let Ok(contract) = compile(vec![source(text(rule))]) else { return };
    let resource = book(&contract);
    let read = resource.access.read.as_ref().expect("the sample has a read rule");
    let tables = tables(&contract);
    let own = Table { name: &resource.table, layout: &resource.layout };
    for dialect in Dialect::ALL {
        let above = from_above(dialect, &read.program.root, own, &tables, &[]);
        for expr in std::iter::once(&read.program.root).chain(&above) {
            assert!(!expression(dialect, expr, &resource.layout, &tables).text(dialect).is_empty());
        }
    }
    let row = row(resource);
    for uid in [None, Some("ann")] {
        let auth = AuthView { uid, ..AuthView::default() };
        let _ = evaluate(&read.program.root, &Scope { auth, resource: Some(&row), ..Scope::default() });
    }
}
