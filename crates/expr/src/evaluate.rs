//! Evaluation on records in memory.

use std::borrow::Cow;
use std::cmp::Ordering;

use mainstay_record::{Kind, Value, stored_json};
use serde_json::Value as Json;

use crate::arithmetic::{self, ArithmeticOp, Numbers};
use crate::claims::AuthName;
use crate::ir::{CompareOp, Expr, MAX_CLIMB, Measure, Over, TextOp, shift_time};
use crate::row::{Link, Relation, Root, Row};
use crate::scope::{AuthView, Scope};

/// Evaluates a condition: nothing where it is NULL, which counts as not true.
///
/// Nothing, too, where the outcome hangs on a record that the scope leaves out; so `Some` is the outcome whatever such a
/// record, or a row that was not looked for, turns out to be.
pub fn evaluate(expr: &Expr, scope: &Scope<'_>) -> Option<bool> {
    match truth(expr, Context { scope, bound: None }) {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Null | Truth::Unknown => None,
    }
}

/// Evaluates an expression of any kind. A document comes as `Value::Json`; what hangs on a record that the scope leaves out
/// comes as NULL.
pub fn evaluate_value(expr: &Expr, scope: &Scope<'_>) -> Value {
    compute(expr, Context { scope, bound: None }).into_value()
}

impl AuthView<'_> {
    /// The value of a claim, as a column would hold it.
    pub fn value(&self, name: AuthName) -> Value {
        auth(name, &Scope { auth: *self, ..Scope::default() }).into_value()
    }
}

#[derive(Clone, Copy)]
struct Context<'v> {
    scope: &'v Scope<'v>,
    /// What the innermost quantifier goes over.
    bound: Option<&'v Bound<'v>>,
}

/// What a quantifier is about to be asked of.
#[derive(Clone, Copy)]
struct Bound<'v> {
    level: u8,
    item: Item<'v>,
    outer: Option<&'v Bound<'v>>,
}

/// An element of a JSON array, one of the caller's roles, or a row.
#[derive(Clone, Copy)]
enum Item<'v> {
    Json(&'v Json),
    Text(&'v str),
    Row(&'v [Value]),
}

impl<'v> Context<'v> {
    /// What the quantifier of a level goes over.
    fn item(self, level: u8) -> Option<Item<'v>> {
        let mut next = self.bound;
        while let Some(bound) = next {
            if bound.level == level {
                return Some(bound.item);
            }
            next = bound.outer;
        }
        self.scope.element.filter(|_| level == 0).map(Item::Json)
    }

    /// A row, in hand or found: nothing where it was left out or not looked for, nothing inside where there is none.
    fn row(self, row: &Row) -> Option<Option<&'v [Value]>> {
        if let Some((from, relation)) = row.found_from() {
            if let Some(known) = self.scope.around?.get(row) {
                return Some(known);
            }
            let key = match &relation.link {
                Some(link) => self.linked(from.root, link),
                None => self.row(&from)?.and_then(|values| relation.key(values)),
            };
            return match key {
                Some(key) => self.scope.around?.find(relation.table, &key),
                None => Some(None),
            };
        }
        match row.root {
            Root::Bound(level) => match self.item(level) {
                Some(Item::Row(values)) => Some(Some(values)),
                _ => Some(None),
            },
            _ => self.scope.row(row),
        }
    }

    /// The key in the name that stands in an element.
    fn linked(self, root: Root, link: &Link) -> Option<Vec<Value>> {
        let Root::Bound(level) = root else { return None };
        let Some(Item::Json(element)) = self.item(level) else { return None };
        let name = link.keys.iter().try_fold(element, |json, key| json.get(key))?.as_str()?;
        let parts = link.template.parse(name)?;
        Some(parts.into_iter().map(|part| Value::Text(part.to_owned())).collect())
    }
}

/// The outcome of a condition: Kleene's three, and what hangs on a record that is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    Null,
    Unknown,
}

impl Truth {
    fn of(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

/// A value while it is computed: borrowed where it can be.
enum Val<'v> {
    Null,
    /// Hangs on a record that is left out: perhaps NULL, perhaps not.
    Unknown,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'v, str>),
    Bytes(Cow<'v, [u8]>),
    Timestamp(i64),
    Json(Cow<'v, Json>),
    Roles(&'v [String]),
}

impl<'v> Val<'v> {
    fn text(text: Option<&'v str>) -> Val<'v> {
        text.map_or(Val::Null, |text| Val::Text(Cow::Borrowed(text)))
    }

    fn truth(truth: Truth) -> Val<'v> {
        match truth {
            Truth::True => Val::Bool(true),
            Truth::False => Val::Bool(false),
            Truth::Null => Val::Null,
            Truth::Unknown => Val::Unknown,
        }
    }

    /// What a strict operator makes of an operand that it cannot use.
    fn nothing(self) -> Val<'v> {
        if matches!(self, Val::Unknown) { Val::Unknown } else { Val::Null }
    }

    fn stored(value: &'v Value) -> Val<'v> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(v) => Val::Bool(*v),
            Value::Int(v) => Val::Int(*v),
            Value::Double(v) => Val::Double(*v),
            Value::Text(v) => Val::Text(Cow::Borrowed(v)),
            Value::Bytes(v) => Val::Bytes(Cow::Borrowed(v)),
            Value::Timestamp(v) => Val::Timestamp(*v),
            Value::Json(v) => stored_json(v).map_or(Val::Null, |json| Val::Json(Cow::Owned(json))),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Val::Null | Val::Unknown => Value::Null,
            Val::Bool(v) => Value::Bool(v),
            Val::Int(v) => Value::Int(v),
            Val::Double(v) => Value::Double(v),
            Val::Text(v) => Value::Text(v.into_owned()),
            Val::Bytes(v) => Value::Bytes(v.into_owned()),
            Val::Timestamp(v) => Value::Timestamp(v),
            Val::Json(v) => Value::Json(v.to_string()),
            Val::Roles(v) => Value::Json(Json::from(v).to_string()),
        }
    }
}

fn compute<'v>(expr: &'v Expr, context: Context<'v>) -> Val<'v> {
    match expr {
        Expr::Literal(value) => Val::stored(value),
        Expr::Column { row, index, .. } => column(row, *index, context),
        Expr::Look { row, then } => match context.row(row) {
            Some(Some(_)) => compute(then, context),
            Some(None) => Val::Null,
            None => Val::Unknown,
        },
        Expr::Auth(name) => auth(*name, context.scope),
        Expr::Now { offset_us } => Val::Timestamp(shift_time(context.scope.now, *offset_us)),
        Expr::Atom(_) => Val::Null,
        Expr::Element { level, kind } => match (context.item(*level), kind) {
            (Some(Item::Json(json)), _) => scalar(Cow::Borrowed(json), *kind),
            (Some(Item::Text(text)), Kind::Text) => Val::Text(Cow::Borrowed(text)),
            _ => Val::Null,
        },
        Expr::Json { of, key, kind } => json(of, key, *kind, context),
        Expr::If { condition, then, otherwise } => match truth(condition, context) {
            Truth::True => compute(then, context),
            Truth::False => compute(otherwise, context),
            Truth::Null => Val::Null,
            Truth::Unknown => Val::Unknown,
        },
        Expr::Coalesce(first, second) => match compute(first, context) {
            Val::Null => compute(second, context),
            value => value,
        },
        Expr::Concat(parts) => concat(parts, context),
        Expr::AsciiCase { upper, of } => match compute(of, context) {
            Val::Text(text) if *upper => Val::Text(Cow::Owned(text.to_ascii_uppercase())),
            Val::Text(text) => Val::Text(Cow::Owned(text.to_ascii_lowercase())),
            other => other.nothing(),
        },
        Expr::Size { of, measure } => size(&compute(of, context), *measure),
        Expr::Arithmetic { op, left, right, within } => {
            numbers(*op, &compute(left, context), &compute(right, context), *within)
        }
        Expr::Micros(of) => match compute(of, context) {
            Val::Timestamp(micros) | Val::Int(micros) => Val::Int(micros),
            other => other.nothing(),
        },
        Expr::DateOf(of) => match compute(of, context) {
            Val::Int(micros) => arithmetic::date_of(micros).map_or(Val::Null, Val::Int),
            other => other.nothing(),
        },
        Expr::Sum { level, list, keep, value, within } => {
            match context.scope.around.and_then(|around| around.answered(expr)) {
                Some(answer) => Val::stored(answer),
                None => sum(*level, list, (keep, value), *within, context),
            }
        }
        Expr::Exists { .. }
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::IsNull(_)
        | Expr::Compare { .. }
        | Expr::Matches { .. }
        | Expr::TextMatch { .. } => Val::truth(truth(expr, context)),
    }
}

fn truth(expr: &Expr, context: Context<'_>) -> Truth {
    match expr {
        Expr::Not(of) => match truth(of, context) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            other => other,
        },
        Expr::And(list) => kleene(list, Truth::False, Truth::True, context),
        Expr::Or(list) => kleene(list, Truth::True, Truth::False, context),
        Expr::IsNull(of) => match compute(of, context) {
            Val::Unknown => Truth::Unknown,
            value => Truth::of(matches!(value, Val::Null)),
        },
        Expr::Compare { op, left, right } => compare(*op, &compute(left, context), &compute(right, context)),
        Expr::Exists { level, over, holds } => match context.scope.around.and_then(|around| around.answered(expr)) {
            Some(Value::Bool(answer)) => Truth::of(*answer),
            Some(_) => Truth::Null,
            None => exists(*level, over, holds, context),
        },
        Expr::TextMatch { op, text, pattern } => match (compute(text, context), compute(pattern, context)) {
            (Val::Text(text), Val::Text(pattern)) => Truth::of(match op {
                TextOp::StartsWith => text.starts_with(&*pattern),
                TextOp::EndsWith => text.ends_with(&*pattern),
                TextOp::Contains => text.contains(&*pattern),
            }),
            (Val::Unknown, _) | (_, Val::Unknown) => Truth::Unknown,
            _ => Truth::Null,
        },
        Expr::Matches { text, pattern } => match compute(text, context) {
            Val::Text(text) => Truth::of(pattern.matches(&text)),
            Val::Unknown => Truth::Unknown,
            _ => Truth::Null,
        },
        Expr::Look { row, then } => match context.row(row) {
            Some(Some(_)) => truth(then, context),
            Some(None) => Truth::Null,
            None => Truth::Unknown,
        },
        other => match compute(other, context) {
            Val::Bool(value) => Truth::of(value),
            Val::Unknown => Truth::Unknown,
            _ => Truth::Null,
        },
    }
}

/// `winner` decides alone; without it one unknown makes the whole unknown, else one NULL makes it NULL.
fn kleene(list: &[Expr], winner: Truth, neutral: Truth, context: Context<'_>) -> Truth {
    let mut outcome = neutral;
    for member in list {
        match truth(member, context) {
            found if found == winner => return winner,
            Truth::Unknown => outcome = Truth::Unknown,
            Truth::Null if outcome != Truth::Unknown => outcome = Truth::Null,
            _ => {}
        }
    }
    outcome
}

fn column<'v>(row: &Row, index: usize, context: Context<'v>) -> Val<'v> {
    match context.row(row) {
        Some(values) => values.and_then(|values| values.get(index)).map_or(Val::Null, Val::stored),
        None => Val::Unknown,
    }
}

fn auth<'v>(name: AuthName, scope: &Scope<'v>) -> Val<'v> {
    match name {
        AuthName::Uid => Val::text(scope.auth.uid()),
        AuthName::Email => Val::text(scope.auth.email()),
        AuthName::EmailVerified => Val::Bool(scope.auth.email_verified),
        AuthName::Roles => Val::Roles(scope.auth.roles),
    }
}

fn json<'v>(of: &'v Expr, key: &'v Expr, kind: Kind, context: Context<'v>) -> Val<'v> {
    match (compute(of, context), compute(key, context)) {
        (Val::Json(Cow::Borrowed(json)), Val::Text(key)) => {
            json.get(&*key).map_or(Val::Null, |json| scalar(Cow::Borrowed(json), kind))
        }
        (Val::Json(Cow::Owned(mut json)), Val::Text(key)) => {
            json.get_mut(&*key).map_or(Val::Null, |json| scalar(Cow::Owned(json.take()), kind))
        }
        (Val::Unknown, _) | (_, Val::Unknown) => Val::Unknown,
        _ => Val::Null,
    }
}

fn scalar(json: Cow<'_, Json>, kind: Kind) -> Val<'_> {
    let value = match kind {
        Kind::Bool => json.as_bool().map(Val::Bool),
        Kind::Int => json.as_i64().map(Val::Int),
        Kind::Double => match json.as_str() {
            Some("Infinity") => Some(Val::Double(f64::INFINITY)),
            Some("-Infinity") => Some(Val::Double(f64::NEG_INFINITY)),
            _ => json.as_f64().map(Val::Double),
        },
        Kind::Text => match json {
            Cow::Borrowed(json) => json.as_str().map(|text| Val::Text(Cow::Borrowed(text))),
            Cow::Owned(Json::String(text)) => Some(Val::Text(Cow::Owned(text))),
            Cow::Owned(_) => None,
        },
        Kind::Json => (!json.is_null()).then_some(Val::Json(json)),
        Kind::Bytes | Kind::Timestamp => None,
    };
    value.unwrap_or(Val::Null)
}

fn exists(level: u8, over: &Over, holds: &Expr, context: Context<'_>) -> Truth {
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
        Over::Climb { table, start, relations } => match climb(*table, start, relations, context) {
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
fn climb<'v>(
    table: usize,
    start: &'v [Expr],
    relations: &[Vec<usize>],
    context: Context<'v>,
) -> Option<Vec<&'v [Value]>> {
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
    for _ in 0..=MAX_CLIMB {
        let mut further = Vec::new();
        for key in next {
            if keys.contains(&key) {
                continue;
            }
            if let Some(row) = around.find(table, &key)? {
                rows.push(row);
                further.extend(relations.iter().filter_map(|columns| Relation::of(columns.clone(), table).key(row)));
            }
            keys.push(key);
        }
        next = further;
    }
    Some(rows)
}

fn numbers<'v>(op: ArithmeticOp, left: &Val<'_>, right: &Val<'_>, within: Numbers) -> Val<'v> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => arithmetic::integers(op, *a, *b, within).map_or(Val::Null, Val::Int),
        (Val::Double(a), Val::Double(b)) => arithmetic::doubles(op, *a, *b).map_or(Val::Null, Val::Double),
        (Val::Unknown, _) | (_, Val::Unknown) => Val::Unknown,
        _ => Val::Null,
    }
}

/// The sum over those elements of a list that are kept. The order in which they stand says nothing.
fn sum<'v>(
    level: u8,
    list: &'v Expr,
    (keep, value): (&'v Expr, &'v Expr),
    within: Numbers,
    context: Context<'v>,
) -> Val<'v> {
    let list = match compute(list, context) {
        Val::Unknown => return Val::Unknown,
        list => list,
    };
    let items: Vec<Item<'_>> = match &list {
        Val::Json(json) => json.as_array().map_or(&[][..], Vec::as_slice).iter().map(Item::Json).collect(),
        Val::Roles(roles) => roles.iter().map(|role| Item::Text(role)).collect(),
        _ => Vec::new(),
    };
    let (mut total, mut is_null) = (0_i128, false);
    for item in items {
        let bound = Bound { level, item, outer: context.bound };
        let inner = Context { bound: Some(&bound), ..context };
        match truth(keep, inner) {
            Truth::False => continue,
            Truth::Unknown => return Val::Unknown,
            Truth::Null => is_null = true,
            Truth::True => match compute(value, inner) {
                Val::Int(number) => total += i128::from(number),
                Val::Unknown => return Val::Unknown,
                _ => is_null = true,
            },
        }
    }
    if is_null { Val::Null } else { within.fit(total).map_or(Val::Null, Val::Int) }
}

fn compare(op: CompareOp, left: &Val<'_>, right: &Val<'_>) -> Truth {
    let ordering: Ordering = match (left, right) {
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Int(a), Val::Int(b)) | (Val::Timestamp(a), Val::Timestamp(b)) => a.cmp(b),
        (Val::Double(a), Val::Double(b)) => match a.partial_cmp(b) {
            Some(ordering) => ordering,
            None => return Truth::Null,
        },
        (Val::Text(a), Val::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Val::Bytes(a), Val::Bytes(b)) => a.cmp(b),
        (Val::Unknown, _) | (_, Val::Unknown) => return Truth::Unknown,
        _ => return Truth::Null,
    };
    Truth::of(op.holds(ordering))
}

fn concat<'v>(parts: &'v [Expr], context: Context<'v>) -> Val<'v> {
    let mut whole = String::new();
    for part in parts {
        match compute(part, context) {
            Val::Text(text) => whole.push_str(&text),
            other => return other.nothing(),
        }
    }
    Val::Text(Cow::Owned(whole))
}

fn size<'v>(of: &Val<'_>, measure: Measure) -> Val<'v> {
    let count = match (of, measure) {
        (Val::Text(text), Measure::Characters) => text.chars().count(),
        (Val::Bytes(bytes), Measure::Bytes) => bytes.len(),
        (Val::Roles(roles), Measure::Items) => roles.len(),
        (Val::Json(json), Measure::Items) => match json.as_array() {
            Some(items) => items.len(),
            None => return Val::Null,
        },
        (Val::Json(json), Measure::Entries) => match json.as_object() {
            Some(entries) => entries.len(),
            None => return Val::Null,
        },
        (Val::Unknown, _) => return Val::Unknown,
        _ => return Val::Null,
    };
    Val::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
