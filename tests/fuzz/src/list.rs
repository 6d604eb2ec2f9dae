//! What clients write into a list or an update: filters, orders, masks.

use std::sync::LazyLock;

use mainstay_expr::{Scope, compile_filter, compile_order, evaluate};
use mainstay_sql::{Dialect, expression};
use mainstay_wire::RecordPlan;

use crate::sample::{SAMPLE, book, records, row, tables};

/// It becomes SQL of both engines and can be evaluated, or is refused at a place in it.
pub fn filter(source: &str) {
    let resource = book(&SAMPLE);
    match compile_filter(source, &resource.record, &records(&SAMPLE)) {
        Ok(program) => {
            let tables = tables(&SAMPLE);
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                let sql = expression(dialect, &program.root, &resource.layout, &tables);
                assert!(!sql.text(dialect).is_empty());
            }
            let row = row(resource);
            let _ = evaluate(&program.root, &Scope { resource: Some(&row), ..Scope::default() });
        }
        Err(problem) => assert!(source.get(problem.span.clone()).is_some(), "{problem:?}"),
    }
}

/// Its keys are columns, each once, or it is refused at a place in it.
pub fn order(source: &str) {
    let resource = book(&SAMPLE);
    match compile_order(source, &resource.record) {
        Ok(keys) => assert!(keys.len() <= mainstay_expr::MAX_ORDER_KEYS),
        Err(problem) => assert!(source.get(problem.span.clone()).is_some(), "{problem:?}"),
    }
}

static PLAN: LazyLock<RecordPlan> = LazyLock::new(|| {
    let resource = book(&SAMPLE);
    let message = SAMPLE.pool.get_message_by_name(&resource.message).expect("the sample has it");
    let name = resource.name_field.map(|number| (number, resource.template.clone()));
    RecordPlan::with_aliases(&message, &resource.layout, name, resource.etag_field, &|message| SAMPLE.aliases(message))
        .expect("the sample is sound")
});

/// It names columns, ascending and each once, or is refused. One path on each line.
pub fn mask(source: &str) {
    let paths: Vec<&str> = source.split('\n').collect();
    let Ok(selection) = PLAN.resolve(&paths) else { return };
    assert!(selection.columns.is_sorted_by(|a, b| a < b), "{selection:?}");
    assert!(selection.columns.iter().all(|column| *column < book(&SAMPLE).layout.columns.len()));
    let _ = PLAN.select(&paths);
}
