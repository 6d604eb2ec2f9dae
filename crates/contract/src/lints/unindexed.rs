//! A read rule that finds a caller's rows by looking at everybody's.

use mainstay_expr::{Expr, Over};

use super::Linted;
use super::callers::Caller;
use super::owner::own_column;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    let Some(read) = &linted.resource.access.read else { return };
    // All rows of an organisation stand together anyway.
    let unnamed = linted.resource.layout.unnamed_keys();
    let served = |column: &usize| {
        linted
            .resource
            .indexes
            .iter()
            .any(|index| index.is_plain() && index.columns.get(unnamed).is_some_and(|(first, _)| first == column))
    };
    let ways = ways(&Caller::somebody().asks(&read.program));
    let Some(unserved) = ways.iter().find(|columns| !columns.iter().any(served)) else { return };
    let Some(field) = unserved.iter().find_map(|column| linted.resource.field_of(*column)) else { return };
    let (name, message) = (&field.field_path, linted.resource.short_name());
    let spot = linted.rule_spot(report, "read");
    report
        .warning(&spot, format!("a List of {message} looks at the rows of everybody to find those of the caller"))
        .because(format!("its read rule asks for `{name}`, with which no index begins"))
        .help(format!("add to (mainstay.v1.resource): index {{fields: \"{name}\"}}"));
}

/// The ways in which a row becomes the caller's: for each the columns of which one must be the caller. None where the rule lets
/// other rows through, too.
fn ways(expr: &Expr) -> Vec<Vec<usize>> {
    let alternatives = match expr {
        Expr::Or(members) => members.iter().collect(),
        other => vec![other],
    };
    // What holds because of a row above holds there in one of the other ways.
    let climbs = |way: &&Expr| way.any_node(&mut |node| matches!(node, Expr::Exists { over: Over::Climb(_), .. }));
    let ways: Vec<Vec<usize>> = alternatives
        .into_iter()
        .filter(|way| !climbs(way))
        .map(|way| match way {
            Expr::And(members) => members.iter().filter_map(own_column).collect(),
            other => own_column(other).into_iter().collect(),
        })
        .collect();
    if ways.iter().any(Vec::is_empty) { Vec::new() } else { ways }
}
