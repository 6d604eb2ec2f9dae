//! Evaluation on records in memory.

use std::borrow::Cow;
use std::cmp::Ordering;

use mainstay_record::{Kind, Value, stored_json};
use serde_json::Value as Json;

use crate::claims::AuthName;
use crate::ir::{CompareOp, Expr, Measure, TextOp, shift_time};
use crate::row::Row;
use crate::scope::{AuthView, Scope};

/// Evaluates a condition: nothing where it is NULL, which counts as not true.
///
/// Nothing, too, where the outcome hangs on a record that the scope leaves out; so `Some` is the outcome whatever such a
/// record, or a row that was not looked for, turns out to be.
pub fn evaluate(expr: &Expr, scope: &Scope<'_>) -> Option<bool> {
    match truth(expr, Context { scope, element: None }) {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Null | Truth::Unknown => None,
    }
}

/// Evaluates an expression of any kind. A document comes as `Value::Json`; what hangs on a record that the scope leaves out
/// comes as NULL.
pub fn evaluate_value(expr: &Expr, scope: &Scope<'_>) -> Value {
    compute(expr, Context { scope, element: None }).into_value()
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
    /// The element of the innermost `Any`.
    element: Option<Item<'v>>,
}

/// An element of a JSON array, or one of the caller's roles.
#[derive(Clone, Copy)]
enum Item<'v> {
    Json(&'v Json),
    Text(&'v str),
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
        Expr::Column { row, index, .. } => column(row, *index, context.scope),
        Expr::Look { row, then } => match context.scope.row(row) {
            Some(Some(_)) => compute(then, context),
            Some(None) => Val::Null,
            None => Val::Unknown,
        },
        Expr::Auth(name) => auth(*name, context.scope),
        Expr::Now { offset_us } => Val::Timestamp(shift_time(context.scope.now, *offset_us)),
        Expr::Atom(_) => Val::Null,
        Expr::Element { kind } => match (context.element, kind) {
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
        Expr::Any { .. }
        | Expr::Not(_)
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::IsNull(_)
        | Expr::Compare { .. }
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
        Expr::Any { of, predicate } => any(&compute(of, context), predicate, context.scope),
        Expr::TextMatch { op, text, pattern } => match (compute(text, context), compute(pattern, context)) {
            (Val::Text(text), Val::Text(pattern)) => Truth::of(match op {
                TextOp::StartsWith => text.starts_with(&*pattern),
                TextOp::EndsWith => text.ends_with(&*pattern),
                TextOp::Contains => text.contains(&*pattern),
            }),
            (Val::Unknown, _) | (_, Val::Unknown) => Truth::Unknown,
            _ => Truth::Null,
        },
        Expr::Look { row, then } => match context.scope.row(row) {
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

fn column<'v>(row: &Row, index: usize, scope: &Scope<'v>) -> Val<'v> {
    match scope.row(row) {
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

fn any(of: &Val<'_>, predicate: &Expr, scope: &Scope<'_>) -> Truth {
    let holds = |element| truth(predicate, Context { scope, element: Some(element) });
    let outcome = |found: &mut dyn Iterator<Item = Truth>| {
        let mut outcome = Truth::False;
        for found in found {
            match found {
                Truth::True => return Truth::True,
                Truth::Unknown => outcome = Truth::Unknown,
                Truth::False | Truth::Null => {}
            }
        }
        outcome
    };
    match of {
        Val::Json(json) => {
            let items = json.as_array().map_or(&[][..], Vec::as_slice);
            outcome(&mut items.iter().map(|item| holds(Item::Json(item))))
        }
        Val::Roles(roles) => outcome(&mut roles.iter().map(|role| holds(Item::Text(role)))),
        Val::Unknown => Truth::Unknown,
        _ => Truth::False,
    }
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
