//! The statements that requests become.

use mainstay_expr::Expr;
use mainstay_record::{FOLD, Kind, Layout, Piece};

use crate::keyset::{Arm, Place};
use crate::order::order_by;
use crate::{
    After, BindSource, ConditionPart, Dialect, OrderColumn, RowCondition, Sql, SqlBuilder, Table, Tables,
    expression as emitter,
};

/// Which rows a statement is about.
#[derive(Debug, Clone)]
pub enum Condition<'a> {
    /// The primary key equals the parameters from `first_param` on.
    Keys { first_param: usize },
    /// The primary key is among those of a parameter, a JSON list: of values, or of lists of the values of its columns.
    KeysAmong { param: usize },
    /// It does not: every other row.
    OtherThanKeys { first_param: usize },
    /// The first `count` columns of the primary key equal the parameters: the children of a parent.
    KeyPrefix { count: usize, first_param: usize },
    /// These columns equal the parameters, none of them NULL: the rows that refer to another.
    Equal { columns: &'a [usize], first_param: usize },
    /// These columns equal what they are compared with, as an index compares them that lets no two rows have the same.
    Same(&'a [Same]),
    /// The times of the row and of another, which has a beginning, overlap.
    Overlap(Overlap),
    /// A rule or filter is true (neither false nor NULL). The tables are those that it may look at.
    Expr(&'a Expr, &'a Tables),
    /// The column is NULL.
    Unset { column: usize },
    /// The row's revision is the parameter.
    RevisionIs { param: usize },
    /// All of them; every row where there are none.
    All(Vec<Condition<'a>>),
}

/// One column of a row that is compared with another row's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Same {
    pub column: usize,
    /// By its simple case folding.
    pub folded: bool,
    /// None where the other's is unset, too.
    pub param: Option<usize>,
}

/// The half-open time of a row that is compared with another's. One that ends before it begins is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    pub from: usize,
    pub to: usize,
    pub from_param: usize,
    /// None where the other has no end.
    pub to_param: Option<usize>,
}

/// Reads rows: the columns, then what is said of each row, then (where a page of two parts must be put together) further columns
/// that the caller ignores.
#[derive(Debug, Clone)]
pub struct Select<'a> {
    pub table: Table<'a>,
    pub columns: Vec<usize>,
    pub condition: Condition<'a>,
    /// None: any order. Otherwise as [`crate::order_columns`] spells it out, so it always ends in the key.
    pub order: &'a [OrderColumn],
    /// Where the page continues; needs an order.
    pub after: Option<After>,
    pub limit_param: Option<usize>,
    /// Locks the rows until the transaction ends. Not together with `after`.
    pub lock: Option<Lock>,
    /// What is said of each row behind its columns.
    pub truths: Truths<'a>,
}

/// Conditions that are answered with each row, in the order of their columns: true, or anything else. The tables are those
/// that they may look at.
#[derive(Debug, Clone, Copy)]
pub struct Truths<'a> {
    pub of: &'a [Expr],
    pub tables: &'a Tables,
}

impl Truths<'_> {
    /// Nothing is said.
    pub const NONE: Truths<'static> = Truths { of: &[], tables: Tables::NONE };
}

/// What nobody else may do to the rows that were read, until the transaction ends. SQLite has one writer, and needs no word
/// for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lock {
    /// Remove them: somebody is about to refer to them.
    Stay,
    /// Change or remove them: what they say decides what is about to be done. Others may look at them, too, meanwhile.
    Hold,
    /// Change or remove them: they are about to be changed. Others may refer to them meanwhile.
    Change,
    /// Change them, remove them or begin to refer to them: they are about to be removed.
    Remove,
}

impl Lock {
    /// No key ever changes, so that a change need not wait for those who refer to the row (as FOR UPDATE would).
    fn postgres(self) -> &'static str {
        match self {
            Lock::Stay => " FOR KEY SHARE",
            Lock::Hold => " FOR SHARE",
            Lock::Change => " FOR NO KEY UPDATE",
            Lock::Remove => " FOR UPDATE",
        }
    }
}

/// Adds a row: the parameters from 0 on, in the order of the layout.
#[derive(Debug, Clone, Copy)]
pub struct Insert<'a> {
    pub table: Table<'a>,
}

/// A statement that changes a row of another table, or nothing; PostgreSQL can put it in front of an insert.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The text with a `?` for each of its binds: `INSERT INTO … VALUES (?, ?) ON CONFLICT DO NOTHING`.
    pub text: &'a str,
    /// The kinds of its binds, which are the parameters behind the row's.
    pub binds: &'a [Kind],
}

/// Sets the given columns to the parameters from `first_param` on.
#[derive(Debug, Clone)]
pub struct Update<'a> {
    pub table: Table<'a>,
    pub set: &'a [usize],
    pub first_param: usize,
    pub condition: Condition<'a>,
}

/// Removes rows.
#[derive(Debug, Clone)]
pub struct Delete<'a> {
    pub table: Table<'a>,
    pub condition: Condition<'a>,
}

/// Writes a select.
pub fn select(dialect: Dialect, select: &Select<'_>) -> Sql {
    let layout = select.table.layout;
    let order = select.order;
    let place = select.after.map(|after| Place { layout, columns: order, after });
    let arms = place.as_ref().map_or(&[][..], Place::arms);
    let mut out = SqlBuilder::new(dialect);
    if let (Some(place), [_, _]) = (&place, arms) {
        combine(&mut out, select, place, arms);
    } else {
        part(&mut out, select, &[], place.as_ref().zip(arms.first().copied()));
        order_by(&mut out, layout, order, |out, position| order[position].emit(out, layout));
        limit(&mut out, select);
        if let (Some(lock), Dialect::Postgres) = (select.lock, dialect) {
            out.text(lock.postgres());
        }
    }
    out.finish()
}

/// Puts a page together from two ranges. SQLite reads them side by side in their order; PostgreSQL would read both whole
/// and sort them, unless each brings no more rows than the page needs.
fn combine(out: &mut SqlBuilder, select: &Select<'_>, place: &Place<'_>, arms: &[Arm]) {
    let layout = select.table.layout;
    let (extra, positions) = outputs(select, place.columns);
    out.list(arms, " UNION ALL ", |out, arm| {
        let alone = out.dialect() == Dialect::Postgres;
        out.text(if alone { "(" } else { "" });
        part(out, select, &extra, Some((place, *arm)));
        if alone {
            order_by(out, layout, place.columns, |out, i| place.columns[i].emit(out, layout));
            limit(out, select);
            out.text(")");
        }
    });
    order_by(out, layout, place.columns, |out, i| out.text(&positions[i].to_string()));
    limit(out, select);
}

fn limit(out: &mut SqlBuilder, select: &Select<'_>) {
    if let Some(param) = select.limit_param {
        out.text(" LIMIT ");
        out.bind(BindSource::Param(param), Kind::Int);
    }
}

/// The order columns that are not selected as they are compared and stand behind the others, and the position (from 1) of
/// each order column among all outputs: a combined select can be ordered by its outputs only.
fn outputs(select: &Select<'_>, order: &[OrderColumn]) -> (Vec<OrderColumn>, Vec<usize>) {
    let mut extra = Vec::new();
    let mut positions = Vec::new();
    for column in order {
        let known = select.columns.iter().position(|index| *index == column.index).filter(|_| column.prefix.is_none());
        let position = known.unwrap_or_else(|| {
            extra.push(*column);
            select.columns.len() + select.truths.of.len() + extra.len() - 1
        });
        positions.push(position + 1);
    }
    (extra, positions)
}

/// Writes one select without its order; `place` is where the page continues.
fn part(out: &mut SqlBuilder, select: &Select<'_>, extra: &[OrderColumn], place: Option<(&Place<'_>, Arm)>) {
    let layout = select.table.layout;
    out.text("SELECT ");
    out.list(&select.columns, ", ", |out, index| out.column(layout, *index));
    let mut is_first = select.columns.is_empty();
    let mut next = |out: &mut SqlBuilder| out.text(if std::mem::take(&mut is_first) { "" } else { ", " });
    for truth in select.truths.of {
        next(out);
        out.text("(");
        emitter::emit_true(truth, layout, select.truths.tables, out);
        out.text(")");
    }
    for column in extra {
        next(out);
        column.emit(out, layout);
    }
    if is_first {
        out.text("1");
    }
    out.text(" FROM ");
    table(out, &select.table);
    if let Some((place, arm)) = place {
        out.text(" WHERE (");
        place.emit(out, arm);
        out.text(")");
    }
    if !matches!(&select.condition, Condition::All(all) if all.is_empty()) {
        out.text(if place.is_some() { " AND " } else { " WHERE " });
        condition(out, layout, &select.condition);
    }
}

/// Writes an insert of one row.
pub fn insert(dialect: Dialect, insert: &Insert<'_>) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    into(&mut out, insert);
    out.text(" VALUES (");
    values(&mut out, insert);
    out.text(")");
    out.finish()
}

/// Writes an insert of one row that is done only if the claim changes a row, in one statement: it changes one row, or none.
/// SQLite has no statement that writes two tables.
pub fn claiming_insert(insert: &Insert<'_>, claim: &Claim<'_>) -> Sql {
    let mut out = SqlBuilder::new(Dialect::Postgres);
    out.text("WITH claimed AS (");
    let first = insert.table.layout.columns.len();
    let mut kinds = claim.binds.iter().enumerate();
    out.list(claim.text.split('?').enumerate(), "", |out, (position, text)| {
        if position > 0
            && let Some((bind, kind)) = kinds.next()
        {
            out.bind(BindSource::Param(first + bind), *kind);
        }
        out.text(text);
    });
    out.text(" RETURNING 1) ");
    into(&mut out, insert);
    out.text(" SELECT ");
    values(&mut out, insert);
    out.text(" FROM claimed");
    out.finish()
}

fn into(out: &mut SqlBuilder, insert: &Insert<'_>) {
    out.text("INSERT INTO ");
    out.name(insert.table.name);
    out.text(" (");
    out.list(&insert.table.layout.columns, ", ", |out, column| out.name(&column.name));
    out.text(")");
}

fn values(out: &mut SqlBuilder, insert: &Insert<'_>) {
    let columns = insert.table.layout.columns.iter().enumerate();
    out.list(columns, ", ", |out, (i, column)| out.bind(BindSource::Param(i), column.kind));
}

/// Writes an update.
pub fn update(dialect: Dialect, update: &Update<'_>) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    let layout = update.table.layout;
    out.text("UPDATE ");
    table(&mut out, &update.table);
    out.text(" SET ");
    let columns = update.set.iter().filter_map(|index| layout.columns.get(*index)).enumerate();
    out.list(columns, ", ", |out, (i, column)| {
        out.name(&column.name);
        out.text(" = ");
        out.bind(BindSource::Param(update.first_param + i), column.kind);
    });
    out.text(" WHERE ");
    condition(&mut out, layout, &update.condition);
    out.finish()
}

/// Writes a delete.
pub fn delete(dialect: Dialect, delete: &Delete<'_>) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    out.text("DELETE FROM ");
    table(&mut out, &delete.table);
    out.text(" WHERE ");
    condition(&mut out, delete.table.layout, &delete.condition);
    out.finish()
}

/// Writes a rule or filter by itself, for people to read: with the value that it has, false and NULL told apart.
pub fn expression(dialect: Dialect, expr: &Expr, layout: &Layout, tables: &Tables) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    emitter::emit(expr, layout, tables, &mut out);
    out.finish()
}

/// Writes a rule over `resource` alone for DDL, of which only the truth matters. What is not in the row, the caller or another
/// row, is NULL in it.
pub fn row_condition(expr: &Expr, layout: &Layout) -> RowCondition<usize> {
    let written = |dialect| {
        let mut out = SqlBuilder::for_ddl(dialect);
        emitter::emit_true(expr, layout, Tables::NONE, &mut out);
        let parts = out.finish().pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => ConditionPart::Text(text),
            Piece::Bind { slot, .. } => ConditionPart::Column(slot),
        });
        parts.collect()
    };
    RowCondition { sqlite: written(Dialect::Sqlite), postgres: written(Dialect::Postgres) }
}

fn table(out: &mut SqlBuilder, table: &Table<'_>) {
    out.name(table.name);
    out.text(" AS t");
}

fn condition(out: &mut SqlBuilder, layout: &Layout, what: &Condition<'_>) {
    match what {
        Condition::Keys { first_param } => equal(out, layout, 0..layout.keys(), *first_param),
        Condition::KeysAmong { param } => keys_among(out, layout, *param),
        Condition::OtherThanKeys { first_param } => {
            out.text("NOT (");
            equal(out, layout, 0..layout.keys(), *first_param);
            out.text(")");
        }
        Condition::KeyPrefix { count, first_param } => {
            equal(out, layout, 0..layout.keys().min(*count), *first_param);
        }
        Condition::Equal { columns, first_param } => equal(out, layout, columns.iter().copied(), *first_param),
        Condition::Same(columns) => same(out, layout, columns),
        Condition::Overlap(times) => overlap(out, layout, times),
        Condition::Expr(expr, tables) => {
            out.text("(");
            emitter::emit_true(expr, layout, tables, out);
            out.text(")");
        }
        Condition::Unset { column } => {
            out.column(layout, *column);
            out.text(" IS NULL");
        }
        Condition::RevisionIs { param } => {
            out.column(layout, layout.revision());
            out.text(" = ");
            out.bind(BindSource::Param(*param), Kind::Int);
        }
        Condition::All(conditions) if conditions.is_empty() => out.text("TRUE"),
        Condition::All(conditions) => out.list(conditions, " AND ", |out, each| condition(out, layout, each)),
    }
}

fn equal(out: &mut SqlBuilder, layout: &Layout, columns: impl IntoIterator<Item = usize>, first_param: usize) {
    let mut columns = columns.into_iter().enumerate().peekable();
    if columns.peek().is_none() {
        return out.text("TRUE");
    }
    out.list(columns, " AND ", |out, (i, index)| {
        out.column(layout, index);
        out.text(" = ");
        let kind = layout.columns.get(index).map_or(Kind::Text, |column| column.kind);
        out.bind(BindSource::Param(first_param + i), kind);
    });
}

/// The rows of the list are few, and each is found by its key.
fn keys_among(out: &mut SqlBuilder, layout: &Layout, param: usize) {
    let keys = layout.keys();
    let postgres = out.dialect() == Dialect::Postgres;
    out.text(if keys > 1 { "(" } else { "" });
    out.list(0..keys, ", ", |out, key| out.column(layout, key));
    out.text(if keys > 1 { ") IN (SELECT " } else { " IN (SELECT " });
    out.list(0..keys, ", ", |out, key| {
        let text = match (keys, postgres) {
            (1, true) => "k #>> '{}'".to_owned(),
            (1, false) => "k.value".to_owned(),
            (_, true) => format!("k ->> {key}"),
            (_, false) => format!("json_extract(k.value, '$[{key}]')"),
        };
        out.text(&text);
    });
    out.text(if postgres { " FROM jsonb_array_elements(" } else { " FROM json_each(" });
    out.bind(BindSource::Param(param), Kind::Json);
    out.text(") AS k)");
}

fn same(out: &mut SqlBuilder, layout: &Layout, columns: &[Same]) {
    if columns.is_empty() {
        return out.text("TRUE");
    }
    out.list(columns, " AND ", |out, same| {
        let (before, after) = match (same.folded, out.dialect()) {
            (true, Dialect::Postgres) => (format!("{FOLD}("), ")".to_owned()),
            (true, Dialect::Sqlite) => (String::new(), format!(" COLLATE {FOLD}")),
            (false, _) => (String::new(), String::new()),
        };
        out.text(&before);
        out.column(layout, same.column);
        out.text(&after);
        match same.param {
            None => out.text(" IS NULL"),
            Some(param) => {
                out.text(" = ");
                out.text(&before);
                let kind = layout.columns.get(same.column).map_or(Kind::Text, |column| column.kind);
                out.bind(BindSource::Param(param), kind);
                out.text(if same.folded && out.dialect() == Dialect::Postgres { ")" } else { "" });
            }
        }
    });
}

fn overlap(out: &mut SqlBuilder, layout: &Layout, times: &Overlap) {
    let Overlap { from, to, from_param, to_param } = *times;
    let kind = layout.columns.get(from).map_or(Kind::Timestamp, |column| column.kind);
    out.text("(");
    out.column(layout, to);
    out.text(" IS NULL OR (");
    out.column(layout, from);
    out.text(" < ");
    out.column(layout, to);
    out.text(" AND ");
    out.bind(BindSource::Param(from_param), kind);
    out.text(" < ");
    out.column(layout, to);
    out.text(")) AND ");
    out.column(layout, from);
    match to_param {
        None => out.text(" IS NOT NULL"),
        Some(param) => {
            out.text(" < ");
            out.bind(BindSource::Param(param), kind);
        }
    }
}
