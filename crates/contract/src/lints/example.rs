//! Rows that somebody could make, to ask rules of.

use std::collections::BTreeMap;

use mainstay_expr::{Around, AuthName, CompareOp, Expr, Known, Relation, Row, Scope, evaluate, evaluate_value};
use mainstay_record::{Column, Kind, Value};

use super::Linted;
use super::callers::{CALLER, Caller};
use crate::Resource;

/// How many ways in which a rule may hold are tried.
const MAX_WAYS: usize = 32;

/// What texts hold of which nothing is asked: the id of somebody else, and of every row.
const OTHER: &str = "x";

/// A row, with those that are found from it. All else is unset, and there are no others.
#[derive(Debug, Clone)]
pub(super) struct Example<'r> {
    resources: &'r [Resource],
    own: &'r Resource,
    /// By the way to each from the row in hand.
    rows: BTreeMap<Vec<Relation>, Vec<Value>>,
    /// What was asked of the row in hand: column and value.
    asked: Vec<(usize, Value)>,
}

impl<'r> Example<'r> {
    /// Makes one for each way in which an expression may be true: what it asks for is so, where that is simple. One that is
    /// new has what a Create gives it, unless it must be otherwise.
    pub fn of(linted: &Linted<'r>, expr: &Expr, caller: &Caller, is_new: bool) -> Vec<Example<'r>> {
        let begin = |way: Vec<&Expr>| {
            let mut example =
                Example { resources: linted.resources, own: linted.resource, rows: BTreeMap::new(), asked: Vec::new() };
            example.rows.insert(Vec::new(), blank(linted.resource));
            for field in &linted.resource.fields {
                let ([column], Some(default)) = (field.columns.as_slice(), &field.default) else { continue };
                if is_new || linted.resource.states.iter().any(|states| states.column == *column) {
                    let scope = Scope { auth: caller.auth(), ..Scope::default() };
                    example.own_row()[*column] = evaluate_value(&default.root, &scope);
                }
            }
            for part in way {
                example.make(part, caller);
            }
            example
        };
        ways(expr).into_iter().map(begin).collect()
    }

    /// The same where one of the ways in which a rule holds does not, for each of them where that is simple.
    pub fn without(&self, rule: &Expr, caller: &Caller) -> Vec<Example<'r>> {
        let parts = ways(rule).into_iter().flatten();
        let without = |part: &Expr| {
            let mut other = self.clone();
            other.unmake(part, caller);
            other
        };
        parts.map(without).take(MAX_WAYS).collect()
    }

    /// What an expression says of it; nothing where that is not known, or NULL.
    pub fn says(&self, expr: &Expr, caller: &Caller) -> Option<bool> {
        let mut around = Around::of(self.tables());
        for row in expr.looks() {
            let found = self.found(&row);
            around.put(row, found);
        }
        let own = self.rows.get(&Vec::new()).map(Vec::as_slice);
        let scope =
            Scope { auth: caller.auth(), resource: own, old: own, new: own, around: Some(&around), ..Scope::default() };
        evaluate(&Expr::Coalesce(Box::new(expr.clone()), Box::new(Expr::FALSE)), &scope)
    }

    /// What is special about the row, for people to read.
    pub fn told(&self, own: &Resource) -> String {
        let told = self.asked.iter().filter_map(|(column, value)| {
            let name = &own.field_of(*column)?.field_path;
            Some(match value {
                Value::Text(text) if &**text == CALLER => format!("`{name}` is the caller"),
                Value::Bool(value) => format!("`{name}` is {value}"),
                Value::Text(text) if text == OTHER => format!("`{name}` is another"),
                Value::Null => format!("`{name}` is unset"),
                _ => format!("`{name}` is as it asks"),
            })
        });
        let told: Vec<String> = told.collect();
        match told.is_empty() {
            true => "for example one of which nothing is set".to_owned(),
            false => format!("for example one where {} and all else is unset or somebody else's", told.join(", ")),
        }
    }

    fn own_row(&mut self) -> &mut Vec<Value> {
        self.rows.entry(Vec::new()).or_default()
    }

    /// Lets a condition hold, where that is simple.
    fn make(&mut self, part: &Expr, caller: &Caller) {
        match part {
            Expr::Column { kind: Kind::Bool, .. } => self.set(part, Value::Bool(true)),
            Expr::Not(of) => match &**of {
                Expr::IsNull(of) => self.set(of, some(of.kind())),
                Expr::Column { kind: Kind::Bool, .. } => self.set(of, Value::Bool(false)),
                _ => {}
            },
            Expr::IsNull(of) => self.set(of, Value::Null),
            Expr::Compare { op, left, right } => {
                for (side, other, op) in [(left, right, *op), (right, left, op.mirrored())] {
                    if let Some(value) = constant(other, caller) {
                        self.set(side, beside(op, value));
                    }
                }
            }
            _ => {}
        }
    }

    /// Lets a condition not hold, where that is simple.
    fn unmake(&mut self, part: &Expr, caller: &Caller) {
        match part {
            Expr::Not(of) => self.make(of, caller),
            Expr::Column { kind: Kind::Bool, .. } => self.set(part, Value::Bool(false)),
            Expr::IsNull(of) => self.set(of, some(of.kind())),
            Expr::Compare { op: CompareOp::Eq, left, right } => {
                for (side, other) in [(left, right), (right, left)] {
                    if let Some(value) = constant(other, caller) {
                        self.set(side, beside(CompareOp::Ne, value));
                    }
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, column: &Expr, value: Value) {
        let column = match column {
            Expr::Coalesce(first, _) => first,
            other => other,
        };
        let Expr::Column { row, index, .. } = column else { return };
        if !row.root.is_in_hand() || !self.reach(&row.hops) {
            return;
        }
        if row.hops.is_empty() {
            self.asked.retain(|(known, _)| known != index);
            self.asked.push((*index, value.clone()));
        }
        if let Some(place) = self.rows.get_mut(&row.hops).and_then(|row| row.get_mut(*index)) {
            *place = value;
        }
    }

    /// Makes the rows on a way.
    fn reach(&mut self, hops: &[Relation]) -> bool {
        let Some((last, before)) = hops.split_last() else { return true };
        if !self.reach(before) || last.link.is_some() {
            return false;
        }
        let from = self.rows.entry(before.to_vec()).or_default();
        for column in &last.columns {
            if let Some(value) = from.get_mut(*column).filter(|value| value.is_null()) {
                *value = Value::Text(OTHER.into());
            }
        }
        let Some(table) = self.resources.get(last.table) else { return false };
        self.rows.entry(hops.to_vec()).or_insert_with(|| blank(table));
        true
    }

    /// A row that is looked at; nothing where the reference is unset.
    fn found(&self, row: &Row) -> Option<Vec<Value>> {
        if let Some(known) = self.rows.get(&row.hops) {
            return Some(known.clone());
        }
        let (from, by) = row.found_from()?;
        let from = self.found_or_own(&from)?;
        by.key(&from)?;
        self.resources.get(by.table).map(blank)
    }

    fn found_or_own(&self, row: &Row) -> Option<Vec<Value>> {
        if row.hops.is_empty() { self.rows.get(&Vec::new()).cloned() } else { self.found(row) }
    }

    /// All rows there are.
    fn tables(&self) -> Vec<Known> {
        let table = |resource: &Resource| Known {
            keys: resource.layout.keys(),
            deleted: resource.soft_delete.map(|kept| kept.delete_time),
            rows: Vec::new(),
        };
        let mut tables: Vec<Known> = self.resources.iter().map(table).collect();
        for (hops, row) in &self.rows {
            let is_own = |resource: &Resource| resource.type_name == self.own.type_name;
            let number = hops.last().map(|hop| hop.table).or_else(|| self.resources.iter().position(is_own));
            if let Some(table) = number.and_then(|number| tables.get_mut(number)) {
                table.rows.push(row.clone());
            }
        }
        tables
    }
}

/// The ways in which an expression may be true, each with what must hold together; not all of them, where they are many.
fn ways<'e>(expr: &'e Expr) -> Vec<Vec<&'e Expr>> {
    match expr {
        Expr::Or(list) => list.iter().flat_map(ways).take(MAX_WAYS).collect(),
        Expr::And(list) => {
            let mut all = vec![Vec::new()];
            for part in list {
                let next = ways(part);
                let both =
                    |way: &Vec<&'e Expr>| next.iter().map(|more| [way.as_slice(), more.as_slice()].concat()).collect();
                all = all.iter().flat_map(|way| -> Vec<Vec<&'e Expr>> { both(way) }).take(MAX_WAYS).collect();
            }
            all
        }
        Expr::Look { then, .. } => ways(then),
        Expr::Coalesce(first, second) if **second == Expr::FALSE => ways(first),
        other => vec![vec![other]],
    }
}

/// A row of which nothing is set, or what is set says nothing of the caller.
fn blank(resource: &Resource) -> Vec<Value> {
    let value = |column: &Column| match column.kind {
        _ if column.nullable => Value::Null,
        Kind::Text => Value::Text(OTHER.into()),
        kind => kind.zero(),
    };
    resource.layout.columns.iter().map(value).collect()
}

fn some(kind: Option<Kind>) -> Value {
    match kind {
        Some(Kind::Text) => Value::Text(OTHER.into()),
        Some(Kind::Bool) => Value::Bool(true),
        Some(kind) => kind.zero(),
        None => Value::Null,
    }
}

/// What does not depend on rows.
fn constant(expr: &Expr, caller: &Caller) -> Option<Value> {
    match expr {
        Expr::Literal(value) => Some(value.clone()),
        Expr::Auth(AuthName::Uid | AuthName::Email | AuthName::Org) => {
            Some(evaluate_value(expr, &Scope { auth: caller.auth(), ..Scope::default() }))
        }
        Expr::Coalesce(first, _) => constant(first, caller),
        _ => None,
    }
}

/// A value that compares with another as it should.
fn beside(op: CompareOp, value: Value) -> Value {
    match (op, value) {
        (CompareOp::Gt, Value::Int(number)) => Value::Int(number.saturating_add(1)),
        (CompareOp::Lt, Value::Int(number)) => Value::Int(number.saturating_sub(1)),
        (CompareOp::Ne, Value::Int(number)) => Value::Int(number.wrapping_add(1)),
        (CompareOp::Ne, Value::Text(_)) => Value::Text(OTHER.into()),
        (_, value) => value,
    }
}
