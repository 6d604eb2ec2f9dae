//! Evaluation on records in memory.

mod computed;
mod over;
mod value;

use std::borrow::Cow;
use std::cmp::Ordering;

use mainstay_record::{Kind, Value};
use serde_json::Value as Json;

use self::computed::{concat, numbers, size, sum};
use self::over::exists;
use self::value::{Truth, Val, scalar};
use crate::arithmetic;
use crate::claims::AuthName;
use crate::ir::{CompareOp, Expr, TextOp, shift_time};
use crate::row::{Link, Root, Row};
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

    /// The value of one of `auth.claims`, by its name, as a column of a kind would hold it: NULL where it is missing, or of
    /// another kind.
    pub fn claim(&self, name: &str, kind: Kind) -> Value {
        claim(self, name, kind).into_value()
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

/// An element of a JSON array, one of the caller's roles or permissions, or a row.
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
        AuthName::Permissions => Val::Roles(scope.auth.permissions),
        AuthName::Amr => Val::Roles(scope.auth.amr),
        AuthName::Aal => Val::Int(scope.auth.aal),
        AuthName::Org => Val::text(scope.auth.org()),
        AuthName::Fresh => scope.auth.fresh.map_or(Val::Null, Val::Int),
        AuthName::Kind => Val::text(scope.auth.kind),
        AuthName::Claims => Val::Json(Cow::Owned(Json::Object(scope.auth.claims.cloned().unwrap_or_default()))),
    }
}

/// One of the caller's claims, by its name. Of `Kind::Json` it matters alone whether it is there; a text that no column can
/// hold is none.
fn claim<'v>(auth: &AuthView<'v>, name: &str, kind: Kind) -> Val<'v> {
    match auth.claims.and_then(|claims| claims.get(name)) {
        None | Some(Json::Null) => Val::Null,
        Some(_) if kind == Kind::Json => Val::Json(Cow::Owned(Json::Bool(true))),
        Some(Json::String(text)) if text.contains('\0') => Val::Null,
        Some(claim) => scalar(Cow::Borrowed(claim), kind),
    }
}

fn json<'v>(of: &'v Expr, key: &'v Expr, kind: Kind, context: Context<'v>) -> Val<'v> {
    if let (Expr::Auth(AuthName::Claims), Expr::Literal(Value::Text(name))) = (of, key) {
        return claim(&context.scope.auth, name, kind);
    }
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
