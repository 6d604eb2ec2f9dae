//! Statements that read a page of rows.

use std::sync::{Arc, PoisonError};

use mainstay_contract::IndexRows;
use mainstay_db::Lane;
use mainstay_expr::{AtomValues, Expr, Program, Root, Row, compile_filter, compile_order};
use mainstay_record::{NumberPath, Value};
use mainstay_sql::{After, Condition, OrderColumn, Select, Truths, found_from_above, from_above, order_columns};

use super::bounded::bound;
use super::compiled::Compiled;
use super::compiled_lists::{FarList, FromAbove, ListPlan, Listed, MAX_FROM_ABOVE, MAX_OUTCOMES, Outcomes, Shape};
use super::cost::is_costly;
use super::fields::fits;
use super::guard::Verdict;
use super::lane::{is_index_ordered, lane_for};
use super::resource::ResourcePlan;
use crate::rights::Caller;

/// Where a page ends: the last row's values of the order keys, each with the number path of its column (names may
/// change between two pages, numbers do not).
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    pub keys: Vec<(NumberPath, Value)>,
}

/// Why a list has no statement. `source_text` is what the client wrote.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("the filter is not valid")]
    Filter { source_text: String, problem: Box<mainstay_expr::Problem> },
    #[error("order_by is not valid")]
    OrderBy { source_text: String, problem: Box<mainstay_expr::Problem> },
}

impl ListPlan {
    /// The lane for a page of this many rows.
    pub fn lane(&self, rows: usize) -> Lane {
        if self.inline { lane_for(rows) } else { Lane::Heavy }
    }

    /// Where the page ends, for a page token: the order values of its last row with the paths of their columns.
    pub fn position(&self, plan: &ResourcePlan, values: Vec<Value>) -> Position {
        Position { keys: self.order.iter().map(|column| path(plan, column.index)).zip(values).collect() }
    }
}

impl ResourcePlan {
    /// Finds or compiles the statement of a list. The caller's read rule was found not to be false already.
    pub fn list(&self, shape: Shape, caller: &Caller) -> Result<Arc<ListPlan>, QueryError> {
        match self.lists.0.get(&shape) {
            Some(Listed::Alone(plan)) => return Ok(plan),
            Some(Listed::Far(far)) => return self.far_list(&shape, &far, caller),
            None => {}
        }
        let filter = self.filter(&shape)?;
        let resources: Vec<usize> = filter.root.tables().into_iter().collect();
        if resources.is_empty() {
            let plan = Arc::new(self.compile_list(&shape, &filter, compared(&filter.root))?);
            self.lists.0.insert(shape, Listed::Alone(Arc::clone(&plan)));
            return Ok(plan);
        }
        let far = Arc::new(FarList::of(resources));
        let plan = self.far_list(&shape, &far, caller)?;
        self.lists.0.insert(shape, Listed::Far(far));
        Ok(plan)
    }

    /// Each row that the filter looks at must be one that the caller may read: it tells nothing of others.
    fn far_list(&self, shape: &Shape, far: &FarList, caller: &Caller) -> Result<Arc<ListPlan>, QueryError> {
        let is_system = shape.atoms.is_none();
        let relations = self.relations();
        let outcomes: Outcomes = far
            .resources
            .iter()
            .map(|resource| if is_system { None } else { relations.atoms(*resource, caller) })
            .collect();
        if let Some(plan) = far.by_outcome.read().unwrap_or_else(PoisonError::into_inner).get(&outcomes) {
            return Ok(Arc::clone(plan));
        }
        let seen = |resource: usize| {
            let position = far.resources.iter().position(|known| *known == resource);
            relations.seen(resource, position.and_then(|position| outcomes[position]))
        };
        let filter = self.filter(shape)?;
        // What the rules of the other rows look at is theirs.
        let compared = compared(&filter.root);
        let filter = if is_system { filter } else { filter.under(&seen) };
        let plan = Arc::new(self.compile_list(shape, &filter, compared)?);
        let mut map = far.by_outcome.write().unwrap_or_else(PoisonError::into_inner);
        if map.len() < MAX_OUTCOMES {
            map.insert(outcomes, Arc::clone(&plan));
        }
        Ok(plan)
    }

    fn filter(&self, shape: &Shape) -> Result<Program, QueryError> {
        compile_filter(&shape.filter, &self.resource.record, &self.relations().records).map_err(|problem| {
            // A filter may be about any resource that this one leads to.
            let problem = if self.relations().keep_silent { problem.without_value() } else { problem };
            QueryError::Filter { source_text: shape.filter.clone(), problem: Box::new(problem) }
        })
    }

    /// Spells out the order of a list, to check a page token against before the statement is chosen.
    pub fn order(&self, order_by: &str) -> Result<Vec<OrderColumn>, QueryError> {
        let keys = compile_order(order_by, &self.resource.record)
            .map_err(|problem| QueryError::OrderBy { source_text: order_by.to_owned(), problem: Box::new(problem) })?;
        let mut columns = order_columns(&self.resource.layout, &keys);
        bound(&self.resource, &mut columns);
        Ok(columns)
    }

    fn compile_list(
        &self,
        shape: &Shape,
        filter: &Program,
        mut compared: Vec<(Option<usize>, usize)>,
    ) -> Result<ListPlan, QueryError> {
        let order = self.order(&shape.order_by)?;
        let rule = self.list_rule(shape.atoms);
        let parents: Vec<usize> = (0..self.resource.layout.keys()).filter(|i| shape.parents & (1 << i) != 0).collect();
        let conditions: Vec<&Expr> = std::iter::once(&filter.root).chain(&rule).collect();
        let live = self.live().filter(|_| !shape.deleted);
        let rows = if live.is_some() { IndexRows::Live } else { IndexRows::All };
        let after = shape.after.map(|nulls| After { first_param: 1 + parents.len(), nulls });
        // The system sees all of every row.
        let told = if shape.atoms.is_some() { &self.rules.told()[..] } else { &[] };
        let truths = Truths { of: told, tables: &self.relations().tables };
        let write = |conditions: &[&Expr]| {
            let parent = Condition::Equal { columns: &parents, first_param: 1 };
            let asked = conditions.iter().map(|expr| Condition::Expr(expr, &self.relations().tables));
            let select = Select {
                table: self.table(),
                columns: (0..self.resource.layout.columns.len()).collect(),
                condition: Condition::All(std::iter::once(parent).chain(live.clone()).chain(asked).collect()),
                order: &order,
                after,
                limit_param: Some(0),
                lock: None,
                truths,
            };
            self.shapes().compile(mainstay_sql::select(self.dialect, &select))
        };
        let (statement, from_above) = (write(&conditions), self.list_from_above(&conditions, &parents, &write));
        let inline = told.is_empty() && is_index_ordered(&self.resource, rows, (&conditions[..], &parents[..]), &order);
        let costly = is_costly(&filter.root);
        let filtered = compared.len();
        compared.extend(order.iter().map(|column| (None, column.index)));
        Ok(ListPlan { statement, from_above, order, inline, costly, compared, filtered })
    }

    /// The list from the rows above, where a condition says something of those.
    fn list_from_above(
        &self,
        conditions: &[&Expr],
        parents: &[usize],
        write: &impl Fn(&[&Expr]) -> Arc<Compiled>,
    ) -> Option<FromAbove> {
        let (layout, tables) = (&self.resource.layout, &self.relations().tables);
        let turned: Vec<Option<Expr>> = conditions
            .iter()
            .map(|condition| from_above(self.dialect, condition, self.table(), tables, parents))
            .collect();
        let found: Vec<&Expr> = turned.iter().flatten().collect();
        if found.is_empty() {
            return None;
        }
        let all: Vec<&Expr> =
            conditions.iter().zip(&turned).map(|(as_it_is, turned)| turned.as_ref().unwrap_or(as_it_is)).collect();
        let count = found_from_above(self.dialect, &found, layout, tables, MAX_FROM_ABOVE);
        Some(FromAbove { count: self.shapes().compile(count), statement: write(&all) })
    }

    /// What is left of the read rule; nothing where it holds for every row.
    fn list_rule(&self, atoms: Option<AtomValues>) -> Option<Expr> {
        match self.read.as_ref()?.verdict(atoms?) {
            Verdict::Always => None,
            Verdict::Never => Some(Expr::FALSE),
            Verdict::Depends(residual) => Some(residual),
        }
    }

    /// The caller-only parts of the read rule for the shape of a list.
    pub fn list_atoms(&self, caller: &Caller) -> Option<AtomValues> {
        if caller.is_system() { None } else { self.read.as_ref().map(|guard| guard.atoms(caller)) }
    }
}

/// The columns that a filter compares, or finds other rows by, each with the resource that it is of.
fn compared(filter: &Expr) -> Vec<(Option<usize>, usize)> {
    let mut all = Vec::new();
    collect_compared(filter, &mut Vec::new(), &mut all);
    all.sort_unstable();
    all.dedup();
    all
}

/// `bound` are the tables that the quantifiers around go over, by their levels; none for a list.
fn collect_compared(expr: &Expr, bound: &mut Vec<(u8, Option<usize>)>, all: &mut Vec<(Option<usize>, usize)>) {
    let begins = |row: &Row, bound: &[(u8, Option<usize>)]| match row.root {
        Root::Bound(level) => bound.iter().rev().find(|(known, _)| *known == level).and_then(|(_, table)| *table),
        _ => None,
    };
    match expr {
        Expr::Column { row, index, .. } => all.push((row.table().or_else(|| begins(row, bound)), *index)),
        Expr::Look { row, .. } => {
            let from = std::iter::once(begins(row, bound)).chain(row.hops.iter().map(|hop| Some(hop.table)));
            let by = row.hops.iter().zip(from);
            all.extend(by.flat_map(|(hop, from)| hop.columns.iter().map(move |column| (from, *column))));
        }
        _ => {}
    }
    let (Expr::Exists { level, .. } | Expr::Sum { level, .. }) = expr else {
        return expr.children().into_iter().for_each(|child| collect_compared(child, bound, all));
    };
    let table = if let Expr::Exists { over, .. } = expr { over.table() } else { None };
    bound.push((*level, table));
    expr.children().into_iter().for_each(|child| collect_compared(child, bound, all));
    bound.pop();
}

/// Says which values a position has for an order; nothing where it was made for another order.
pub fn position_values(plan: &ResourcePlan, order: &[OrderColumn], position: Position) -> Option<Vec<Value>> {
    let fits_order = position.keys.len() == order.len()
        && order.iter().zip(&position.keys).all(|(column, (number_path, value))| {
            *number_path == path(plan, column.index)
                && fits(plan.resource.layout.columns[column.index].kind, value)
                && column.prefix.is_none_or(|length| !is_longer(value, length))
        });
    fits_order.then(|| position.keys.into_iter().map(|(_, value)| value).collect())
}

/// Says whether a value is longer than what of it decides an order.
fn is_longer(value: &Value, length: u32) -> bool {
    let length = length as usize;
    match value {
        Value::Text(text) => text.chars().nth(length).is_some(),
        Value::Bytes(bytes) => bytes.len() > length,
        _ => false,
    }
}

fn path(plan: &ResourcePlan, index: usize) -> NumberPath {
    plan.resource.layout.columns[index].path.clone()
}
