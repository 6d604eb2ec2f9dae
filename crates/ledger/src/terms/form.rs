//! What a rule says, in a form that can be compared with another's.

use mainstay_contract::Contract;
use mainstay_expr::{ArithmeticOp, Climb, CompareOp, Expr, Measure, Numbers, Over, Root, Row, TextOp};
use mainstay_record::{Layout, Value};
use serde::{Deserialize, Serialize};

use crate::ColumnId;

/// How many pairs of parts are compared before two rules are taken for incomparable.
const MAX_COMPARISONS: u32 = 20_000;

/// A rule as conditions that are joined. A condition names columns by their identity, so that a renamed field is the same
/// condition, and another field under the old name another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Always,
    Never,
    All(Vec<Form>),
    Any(Vec<Form>),
    /// Anything else: true, or not.
    If(String),
}

/// What the columns of a rule are columns of: the resource's own row, and rows of all resources of its contract.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub layout: &'a Layout,
    pub contract: &'a Contract,
    /// The tables that the quantifiers around go over, by their levels.
    pub bound: [Option<usize>; 16],
}

impl<'a> Rows<'a> {
    fn layout(self, row: &Row) -> Option<&'a Layout> {
        let bound = match row.root {
            Root::Bound(level) => self.bound.get(usize::from(level)).copied().flatten(),
            _ => None,
        };
        match row.table().or(bound) {
            None => Some(self.layout),
            Some(table) => self.contract.resources.get(table).map(|resource| &*resource.layout),
        }
    }

    /// A column by its identity.
    fn column(self, row: &Row, index: usize) -> String {
        match self.layout(row).and_then(|layout| layout.columns.get(index)) {
            Some(column) => ColumnId::of(column, index).to_string(),
            None => format!("column{index}"),
        }
    }

    /// A row by what leads to it: `resource.shop.example.com/Store(5)`.
    fn row(self, row: &Row) -> String {
        let Some((from, relation)) = row.found_from() else {
            let root = match row.root {
                Root::Resource => "resource",
                Root::Old => "old",
                Root::New => "new",
                Root::Bound(level) => return format!("bound{level}"),
            };
            return root.to_owned();
        };
        let columns: Vec<String> = relation.columns.iter().map(|column| self.column(&from, *column)).collect();
        let target = self.contract.resources.get(relation.table).map_or("", |resource| &resource.type_name);
        if let Some(link) = &relation.link {
            return format!("{}.{target}[{}]", self.row(&from), link.keys.join("."));
        }
        format!("{}.{target}({})", self.row(&from), columns.join(", "))
    }
}

fn of_level(rows: Rows<'_>, level: u8, table: Option<usize>) -> Rows<'_> {
    let mut inner = rows;
    if let Some(place) = inner.bound.get_mut(usize::from(level)) {
        *place = table;
    }
    inner
}

impl Form {
    pub(crate) fn of(expr: &Expr, rows: Rows<'_>) -> Form {
        match expr {
            Expr::Literal(Value::Bool(true)) => Form::Always,
            // What is not true is denied.
            Expr::Literal(Value::Bool(false) | Value::Null) => Form::Never,
            Expr::And(list) => Form::All(list.iter().map(|part| Form::of(part, rows)).collect()),
            Expr::Or(list) => Form::Any(list.iter().map(|part| Form::of(part, rows)).collect()),
            Expr::Look { row, then } => Form::of(then, rows).seen_at(&rows.row(row)),
            other => Form::If(words(other, rows)),
        }
    }

    /// The same of what another row says, if that is there: each condition by itself.
    fn seen_at(self, row: &str) -> Form {
        let each = |parts: Vec<Form>| parts.into_iter().map(|part| part.seen_at(row)).collect();
        match self {
            Form::Never => Form::Never,
            Form::Always => Form::If(format!("at({row}, true)")),
            Form::All(parts) => Form::All(each(parts)),
            Form::Any(parts) => Form::Any(each(parts)),
            Form::If(words) => Form::If(format!("at({row}, {words})")),
        }
    }

    /// Says whether whoever passes this rule surely passes the other. It decides by structure alone: `false` may also mean
    /// that it cannot tell.
    pub fn implies(&self, other: &Form) -> bool {
        implies(self, other, &mut { MAX_COMPARISONS })
    }
}

/// Joining is monotone in what is true, so each step is sound whatever the conditions mean.
fn implies(a: &Form, b: &Form, left: &mut u32) -> bool {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return false;
    }
    match (a, b) {
        (Form::Never, _) | (_, Form::Always) => true,
        (Form::Any(parts), _) => parts.iter().all(|part| implies(part, b, left)),
        (_, Form::All(parts)) => parts.iter().all(|part| implies(a, part, left)),
        (Form::If(a), Form::If(b)) if a == b => true,
        _ => {
            let one_enough = matches!(a, Form::All(parts) if parts.iter().any(|part| implies(part, b, left)));
            one_enough || matches!(b, Form::Any(parts) if parts.iter().any(|part| implies(a, part, left)))
        }
    }
}

/// An expression in words that stay the same from version to version: see [`super::TERMS_VERSION`].
fn words(expr: &Expr, rows: Rows<'_>) -> String {
    let of = |part: &Expr| words(part, rows);
    let list = |parts: &[Expr]| parts.iter().map(of).collect::<Vec<_>>().join(", ");
    match expr {
        Expr::Literal(value) => literal(value),
        Expr::Column { row, index, .. } => format!("{}.{}", rows.row(row), rows.column(row, *index)),
        Expr::Look { row, then } => format!("at({}, {})", rows.row(row), of(then)),
        Expr::Auth(name) => format!("auth.{}", name.claim().name),
        Expr::Now { offset_us } => format!("now({offset_us})"),
        Expr::Atom(index) => format!("atom({index})"),
        Expr::Element { level: 0, kind } => format!("element({kind:?})"),
        Expr::Element { level, kind } => format!("element{level}({kind:?})"),
        Expr::Json { of: outer, key, kind } => format!("json({}, {}, {kind:?})", of(outer), of(key)),
        Expr::Exists { level, over, holds } => exists(*level, over, holds, rows),
        Expr::Not(part) => format!("not({})", of(part)),
        Expr::And(parts) => format!("and({})", list(parts)),
        Expr::Or(parts) => format!("or({})", list(parts)),
        Expr::If { condition, then, otherwise } => {
            format!("if({}, {}, {})", of(condition), of(then), of(otherwise))
        }
        Expr::IsNull(part) => format!("unset({})", of(part)),
        Expr::Coalesce(first, second) => format!("coalesce({}, {})", of(first), of(second)),
        Expr::Compare { op, left, right } => format!("{}({}, {})", comparison(*op), of(left), of(right)),
        Expr::TextMatch { op, text, pattern } => format!("{}({}, {})", matching(*op), of(text), of(pattern)),
        Expr::Concat(parts) => format!("concat({})", list(parts)),
        Expr::AsciiCase { upper, of: part } => format!("{}({})", if *upper { "upper" } else { "lower" }, of(part)),
        Expr::Size { of: part, measure } => format!("{}({})", counted(*measure), of(part)),
        Expr::Matches { text, pattern } => format!("matches({}, {:?})", of(text), pattern.source),
        Expr::Arithmetic { op, left, right, within } => {
            format!("{}({}, {}, {})", computed(*op), of(left), of(right), numbers(*within))
        }
        Expr::Micros(part) => format!("micros({})", of(part)),
        Expr::DateOf(part) => format!("date({})", of(part)),
        Expr::Sum { level, list, keep, value, within } => {
            let inner = of_level(rows, *level, None);
            let (keep, value) = (words(keep, inner), words(value, inner));
            format!("sum{level}({}, {keep}, {value}, {})", of(list), numbers(*within))
        }
    }
}

fn computed(op: ArithmeticOp) -> &'static str {
    match op {
        ArithmeticOp::Add => "add",
        ArithmeticOp::Subtract => "subtract",
        ArithmeticOp::Multiply => "multiply",
        ArithmeticOp::Divide => "divide",
        ArithmeticOp::Remainder => "remainder",
    }
}

fn numbers(of: Numbers) -> &'static str {
    match of {
        Numbers::Integer => "integer",
        Numbers::Time => "time",
        Numbers::Duration => "duration",
        Numbers::Double => "double",
    }
}

/// What is never NULL of the elements of a list was there before what may be.
fn exists(level: u8, over: &Over, holds: &Expr, rows: Rows<'_>) -> String {
    let of = |part: &Expr| words(part, rows);
    let name = |table: usize| rows.contract.resources.get(table).map_or("", |resource| &resource.type_name).to_owned();
    let inner = |table: Option<usize>| of_level(rows, level, table);
    match (over, holds) {
        (Over::List(list), Expr::Coalesce(holds, otherwise)) if level == 0 && **otherwise == Expr::FALSE => {
            format!("any({}, {})", of(list), of(holds))
        }
        (Over::List(list), _) => format!("exists{level}({}, {})", of(list), of(holds)),
        (Over::Rows(table), _) => format!("exists{level}({}, {})", name(*table), words(holds, inner(Some(*table)))),
        (Over::Climb(Climb { table, start, relations, .. }), _) => {
            let start: Vec<String> = start.iter().map(of).collect();
            let there = inner(Some(*table));
            let onward = |columns: &Vec<usize>| {
                let row = Row::of(Root::Bound(level));
                columns.iter().map(|column| there.column(&row, *column)).collect::<Vec<_>>().join(" ")
            };
            let onward: Vec<String> = relations.iter().map(onward).collect();
            let start = start.join(" ");
            format!("climb{level}({}, {start}, {}, {})", name(*table), onward.join(" "), words(holds, there))
        }
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => format!("double({:016x})", value.to_bits()),
        Value::Text(value) => format!("{value:?}"),
        Value::Bytes(value) => format!("bytes({value:?})"),
        Value::Timestamp(value) => format!("timestamp({value})"),
        Value::Json(value) => format!("json({value:?})"),
    }
}

fn comparison(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "eq",
        CompareOp::Ne => "ne",
        CompareOp::Lt => "lt",
        CompareOp::Le => "le",
        CompareOp::Gt => "gt",
        CompareOp::Ge => "ge",
    }
}

fn matching(op: TextOp) -> &'static str {
    match op {
        TextOp::StartsWith => "starts_with",
        TextOp::EndsWith => "ends_with",
        TextOp::Contains => "contains",
    }
}

fn counted(measure: Measure) -> &'static str {
    match measure {
        Measure::Characters => "characters",
        Measure::Bytes => "bytes",
        Measure::Items => "items",
        Measure::Entries => "entries",
    }
}

#[cfg(test)]
mod tests {
    use super::Form::{All, Always, Any, Never};
    use super::*;

    fn a(name: &str) -> Form {
        Form::If(name.to_owned())
    }

    /// All forms over three conditions, two levels deep.
    fn forms() -> Vec<Form> {
        let leaves = [Always, Never, a("p"), a("q"), a("r")];
        let mut all = leaves.to_vec();
        for join in [All, Any] {
            for first in &leaves {
                for second in &leaves {
                    all.push(join(vec![first.clone(), second.clone()]));
                    let inner = if join(Vec::new()) == All(Vec::new()) { Any } else { All };
                    all.push(join(vec![first.clone(), inner(vec![second.clone(), a("p")])]));
                }
            }
        }
        all
    }

    fn holds(form: &Form, truths: u8) -> bool {
        match form {
            Always => true,
            Never => false,
            All(parts) => parts.iter().all(|part| holds(part, truths)),
            Any(parts) => parts.iter().any(|part| holds(part, truths)),
            Form::If(name) => truths >> ["p", "q", "r"].iter().position(|known| known == name).unwrap_or(7) & 1 == 1,
        }
    }

    #[test]
    fn what_is_said_to_imply_does_so_for_everybody() {
        let (mut said, all) = (0, forms());
        for one in &all {
            for other in &all {
                let truly = (0..8).all(|truths| !holds(one, truths) || holds(other, truths));
                let implies = one.implies(other);
                assert!(truly || !implies, "{one:?} does not imply {other:?}");
                said += usize::from(implies);
            }
            assert!(one.implies(one), "{one:?}");
        }
        assert!(said > all.len() * 2, "{said} of {} are told", all.len() * all.len());
    }

    #[test]
    fn rules_too_large_to_compare_are_not_called_alike() {
        let wide = |n: usize, seed: usize| (0..n).map(|i| a(&format!("{}", i * seed))).collect::<Vec<_>>();
        let deep = |seed| {
            (0..6).fold(All(wide(40, seed)), |form, i| if i % 2 == 0 { Any(vec![form; 8]) } else { All(vec![form; 8]) })
        };
        assert!(!deep(3).implies(&deep(7)));
    }
}
