//! A rule that goes over rows which no index finds.

use mainstay_expr::{CompareOp, Expr, Over, Root, Row};

use super::Linted;
use crate::report::Report;
use crate::{Index, Resource};

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    let mut told = Vec::new();
    for (stands, rule) in linted.all_rules().into_iter().chain(linted.field_rules()) {
        let Some((table, column)) = unserved(&rule.program.root, linted.resources) else { continue };
        if told.contains(&(table, column)) {
            continue;
        }
        told.push((table, column));
        let target = &linted.resources[table];
        let message = target.short_name();
        let field = column.and_then(|column| target.field_of(column)).map(|field| field.field_path.clone());
        let spot = linted.spot(report, stands);
        let draft = report
            .warning(&spot, format!("{stands} looks at every {message}"))
            .because("what it says of one begins no index");
        match field {
            Some(field) => {
                draft.help(format!("add to (mainstay.v1.resource) of {message}: index {{fields: \"{field}\"}}"))
            }
            None => draft.help(format!("compare a field of {message} with `==`, and let an index begin with it")),
        };
    }
}

/// The first quantifier over rows of which none of the ways in which it may hold begins with an index: the resource, and a
/// column that an index could begin with.
fn unserved(expr: &Expr, resources: &[Resource]) -> Option<(usize, Option<usize>)> {
    if let Expr::Exists { level, over: Over::Rows(table), holds } = expr {
        let ways = match &**holds {
            Expr::Or(ways) => ways.iter().collect(),
            one => vec![one],
        };
        for way in ways {
            let columns = equal_columns(way, *level);
            if !columns.iter().any(|column| begins_index(&resources[*table], *column)) {
                return Some((*table, columns.first().copied()));
            }
        }
    }
    expr.children().into_iter().find_map(|child| unserved(child, resources))
}

fn begins_index(resource: &Resource, column: usize) -> bool {
    // All rows of an organisation stand together anyway.
    let unnamed = resource.layout.unnamed_keys();
    let begins = |index: &Index| index.columns.get(unnamed).is_some_and(|(first, _)| *first == column);
    column == unnamed || resource.indexes.iter().any(begins)
}

/// The columns of the row of a level that must equal something else.
fn equal_columns(way: &Expr, level: u8) -> Vec<usize> {
    let own = |side: &Expr| match side {
        Expr::Column { row, index, .. } if *row == Row::of(Root::Bound(level)) => Some(*index),
        _ => None,
    };
    match way {
        Expr::And(parts) => parts.iter().flat_map(|part| equal_columns(part, level)).collect(),
        Expr::Compare { op: CompareOp::Eq, left, right } => match (own(left), own(right)) {
            (Some(column), None) | (None, Some(column)) => vec![column],
            _ => Vec::new(),
        },
        // The ways of one part: what one of them asks of is not asked of always.
        _ => Vec::new(),
    }
}
