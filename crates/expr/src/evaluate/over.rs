//! Quantifiers: what they go over, and Kleene's disjunction of it.

use mainstay_record::Value;

use super::value::{Truth, Val};
use super::{Bound, Context, Item, compute, truth};
use crate::ir::{Climb, Expr, Over};
use crate::row::Relation;

pub(super) fn exists(level: u8, over: &Over, holds: &Expr, context: Context<'_>) -> Truth {
    match over {
        Over::List(of) => match compute(of, context) {
            Val::Json(json) => {
                let items = json.as_array().map_or(&[][..], Vec::as_slice);
                one_of(level, items.iter().map(Item::Json), holds, context)
            }
            Val::Roles(roles) => one_of(level, roles.iter().map(|role| Item::Text(role)), holds, context),
            Val::Unknown => Truth::Unknown,
            _ => Truth::False,
        },
        Over::Rows(table) => match context.scope.around.and_then(|around| around.live(*table)) {
            Some(rows) => one_of(level, rows.map(Item::Row), holds, context),
            None => Truth::Unknown,
        },
        Over::Climb(over) => match climb(over, context) {
            Some(rows) => one_of(level, rows.into_iter().map(Item::Row), holds, context),
            None => Truth::Unknown,
        },
    }
}

/// Kleene's disjunction over what a quantifier goes over.
fn one_of<'v>(level: u8, items: impl Iterator<Item = Item<'v>>, holds: &'v Expr, context: Context<'v>) -> Truth {
    let mut outcome = Truth::False;
    for item in items {
        let bound = Bound { level, item, outer: context.bound };
        match truth(holds, Context { bound: Some(&bound), ..context }) {
            Truth::True => return Truth::True,
            Truth::Unknown => outcome = Truth::Unknown,
            Truth::Null if outcome == Truth::False => outcome = Truth::Null,
            Truth::Null | Truth::False => {}
        }
    }
    outcome
}

/// The rows that relations lead to from the row with a key, itself included; nothing where they are not known.
fn climb<'v>(over: &'v Climb, context: Context<'v>) -> Option<Vec<&'v [Value]>> {
    let Climb { table, start, relations, most, from_above: _ } = over;
    let around = context.scope.around?;
    let mut rows: Vec<&[Value]> = Vec::new();
    let mut keys: Vec<Vec<Value>> = Vec::new();
    let mut first = Vec::new();
    for part in start {
        match compute(part, context) {
            Val::Unknown => return None,
            Val::Null => return Some(rows),
            value => first.push(value.into_value()),
        }
    }
    let mut next = vec![first];
    for _ in 0..=*most {
        let mut further = Vec::new();
        for key in next {
            if keys.contains(&key) {
                continue;
            }
            if let Some(row) = around.find(*table, &key)? {
                rows.push(row);
                further.extend(relations.iter().filter_map(|columns| Relation::of(columns.clone(), *table).key(row)));
            }
            keys.push(key);
        }
        next = further;
    }
    Some(rows)
}
