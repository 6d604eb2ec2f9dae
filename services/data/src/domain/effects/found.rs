//! The rows that effects look at: each is held, so that what was decided stays true.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_contract::What;
use mainstay_expr::{Around, Link, Relation, Row, Scope, evaluate};
use mainstay_record::{Value, stored_json};
use serde_json::Value as Json;

use crate::domain::context::Operation;
use crate::domain::event::Event;
use crate::domain::tx::Tx;
use crate::error::Result;
use crate::plans::EffectPlan;

/// What an effect goes over: the row itself, or one of the elements of a list, and the rows around it.
pub struct Here {
    /// Its place in the list, and what it is.
    pub element: Option<(usize, Json)>,
    pub around: Around,
}

impl Here {
    /// What an expression is asked of.
    pub fn scope<'h>(&'h self, op: &'h Operation, row: &'h [Value], old: &'h [Value]) -> Scope<'h> {
        Scope {
            resource: Some(row),
            old: Some(old),
            element: self.element.as_ref().map(|(_, element)| element),
            around: Some(&self.around),
            ..op.caller.alone()
        }
    }

    /// The key of a row that is found from here; nothing where nothing is named.
    pub fn key(&self, to: &Row, row: &[Value]) -> Option<Vec<Value>> {
        let (from, relation) = to.found_from()?;
        if let Some(link) = &relation.link {
            return linked(link, &self.element.as_ref()?.1);
        }
        let from = if from.is_in_hand() { row } else { self.around.get(&from)?? };
        relation.key(from)
    }
}

/// The key in the name that stands in an element.
fn linked(link: &Link, element: &Json) -> Option<Vec<Value>> {
    let name = link.keys.iter().try_fold(element, |json, key| json.get(key))?.as_str()?;
    let parts = link.template.parse(name)?;
    Some(parts.into_iter().map(|part| Value::Text(part.to_owned())).collect())
}

/// The elements of a list in a column.
pub fn elements(row: &[Value], column: usize) -> Vec<Json> {
    match row.get(column) {
        Some(Value::Json(text)) => match stored_json(text) {
            Some(Json::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The column of the list that an effect goes over, where that is in the row itself.
fn own_list(own: &EffectPlan) -> Option<usize> {
    match &own.effect.what {
        What::Set { goal, .. } | What::Adjust { goal, .. } => goal.aim.list,
        What::Move { to, .. } => to.list,
        What::Put(put) => put.each.as_ref().filter(|each| each.row.is_in_hand()).map(|each| each.column),
    }
}

/// What an effect goes over, without a look at other rows.
pub fn alone(own: &EffectPlan, row: &[Value]) -> Vec<Here> {
    match own_list(own) {
        None => vec![Here { element: None, around: Around::default() }],
        Some(column) => {
            let elements = elements(row, column).into_iter().enumerate();
            elements.map(|element| Here { element: Some(element), around: Around::default() }).collect()
        }
    }
}

/// What an effect goes over, with the rows that it looks at from there; nothing where its condition does not hold.
pub async fn found(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    own: &EffectPlan,
    (row, old): (&[Value], &[Value]),
) -> Result<Vec<Here>> {
    let mut asked = Here { element: None, around: Around::default() };
    look(tx, op, &own.asked, &mut asked, (row, old)).await?;
    let holds = |rule: &mainstay_contract::Rule| evaluate(&rule.program.root, &asked.scope(op, row, old)) == Some(true);
    if !own.effect.condition.as_ref().is_none_or(holds) {
        return Ok(Vec::new());
    }
    let mut all = alone(own, row);
    if let What::Put(put) = &own.effect.what
        && let Some(each) = put.each.as_ref().filter(|each| !each.row.is_in_hand())
    {
        let mut here = Here { element: None, around: Around::default() };
        look(tx, op, &own.looks, &mut here, (row, old)).await?;
        let list = here.around.get(&each.row).flatten().map(|list| elements(list, each.column)).unwrap_or_default();
        all = list
            .into_iter()
            .enumerate()
            .map(|element| Here { element: Some(element), around: Around::default() })
            .collect();
    }
    for here in &mut all {
        look(tx, op, &own.looks, here, (row, old)).await?;
        look(tx, op, &own.of_element, here, (row, old)).await?;
    }
    Ok(all)
}

/// Finds rows, each after those on the way to it.
async fn look(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    rows: &[Row],
    here: &mut Here,
    (row, old): (&[Value], &[Value]),
) -> Result<()> {
    for to in rows {
        let from = if to.root == mainstay_expr::Root::Old { old } else { row };
        let found = match (here.key(to, from), to.table()) {
            (Some(key), Some(table)) => tx.at_hand(op, table, &key).await?,
            _ => None,
        };
        here.around.put(to.clone(), found.map(|found| found.to_vec()));
    }
    Ok(())
}

/// Takes the rows into the hand that effects look at first, in the order of their names.
pub async fn lock(tx: &mut Tx<'_, '_>, events: &[Event]) -> Result<()> {
    let Some(op) = events.first().map(|event| &event.op) else { return Ok(()) };
    // By resource: whether they may change, and their keys by their names.
    let mut wanted: BTreeMap<usize, (bool, BTreeMap<String, Vec<Value>>)> = BTreeMap::new();
    for event in events {
        let effects = &event.op.plan().effects;
        for own in effects.on(event.trigger).filter(|own| may_be(own, event)) {
            for (table, key) in first(own, &event.row, &event.old) {
                let (changes, keys) = wanted.entry(table).or_default();
                *changes |= tx.leads_to(table);
                keys.insert(event.op.snapshot.resource(table).name(&key), key);
            }
        }
    }
    for (table, (changes, keys)) in wanted {
        let keys: Vec<Vec<Value>> = keys.into_values().collect();
        tx.all_at_hand(op, (table, changes), &keys).await?;
    }
    Ok(())
}

/// Whether the condition of an effect may hold, as far as the rows in hand say.
fn may_be(own: &EffectPlan, event: &Event) -> bool {
    let scope = Scope { resource: Some(&event.row), old: Some(&event.old), ..event.op.caller.alone() };
    let fails = |rule: &mainstay_contract::Rule| evaluate(&rule.program.root, &scope) == Some(false);
    !own.effect.condition.as_ref().is_some_and(fails)
}

/// The rows that an effect looks at from the rows in hand.
fn first(own: &EffectPlan, row: &[Value], old: &[Value]) -> Vec<(usize, Vec<Value>)> {
    let mut found = Vec::new();
    let one = |to: &&Row| to.hops.len() == 1;
    let known: BTreeSet<&Row> = own.asked.iter().chain(&own.looks).filter(one).collect();
    for to in known {
        let from = if to.root == mainstay_expr::Root::Old { old } else { row };
        found.extend(to.hops.first().and_then(|hop: &Relation| Some((hop.table, hop.key(from)?))));
    }
    let of_element: Vec<&Row> = own.of_element.iter().filter(one).collect();
    if !of_element.is_empty() {
        for here in alone(own, row) {
            found.extend(of_element.iter().filter_map(|to| Some((to.table()?, here.key(to, row)?))));
        }
    }
    found
}
