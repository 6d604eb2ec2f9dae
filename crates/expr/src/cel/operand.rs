//! A checked sub-expression, before it is known what it is used for.

use std::ops::Range;

use mainstay_record::time::{Date, TimeOfDay};
use mainstay_record::{Decimal, Kind, Value};

use crate::claims::AuthName;
use crate::float::narrowed;
use crate::ir::{Expr, Over};
use crate::schema::{EnumType, Type};
use crate::suggest::nearest;
use crate::target::{Form, Target, kind_of_type, render, zero};

#[derive(Debug, Clone)]
pub(crate) enum Operand {
    /// A constant of the source.
    Constant {
        ty: Type,
        value: Value,
    },
    /// A field of a record: unset reads as its default.
    Target(Target),
    /// Anything computed: NULL is an error.
    Computed {
        ty: Type,
        expr: Expr,
    },
    /// A list written out.
    List(Vec<(Operand, Range<usize>)>),
    /// Rows of a table: all of them, or those whose key begins with these columns.
    Rows {
        table: usize,
        keys: Vec<Expr>,
    },
    /// What became of a list, element by element.
    Sequence(Box<Sequence>),
    Null,
    /// `auth` itself.
    Auth,
    /// `auth.claims` itself.
    Claims,
    /// One of them, by its name: of the type that it is used as. NULL where it is missing or of another.
    Claim(String),
}

/// The values that the elements of a list (or rows) come to, of those that are kept.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub level: u8,
    pub over: Over,
    /// What must hold of an element.
    pub keep: Vec<Expr>,
    /// What is true where the list could not be made, since something of an element is an error: then whatever is asked of
    /// the list is one, too.
    pub fails: Vec<Expr>,
    pub value: Operand,
}

impl Operand {
    pub fn bool(expr: Expr) -> Operand {
        Operand::Computed { ty: Type::Bool, expr }
    }

    pub fn constant(ty: Type, value: Value) -> Operand {
        Operand::Constant { ty, value }
    }

    /// The type; nothing for null, a written list, `auth` and what is in its claims.
    pub fn ty(&self) -> Option<&Type> {
        match self {
            Operand::Constant { ty, .. } | Operand::Computed { ty, .. } => Some(ty),
            Operand::Target(target) => Some(&target.ty),
            Operand::List(_) | Operand::Rows { .. } | Operand::Sequence(_) | Operand::Null => None,
            Operand::Auth | Operand::Claims | Operand::Claim(_) => None,
        }
    }

    /// The expression that reads a scalar, unset as its default; nothing for what is no scalar.
    pub fn read(&self) -> Option<Expr> {
        match self {
            Operand::Constant { value, .. } => Some(Expr::Literal(value.clone())),
            Operand::Computed { expr, .. } => Some(expr.clone()),
            Operand::Target(target) => read_target(target),
            Operand::List(_) | Operand::Rows { .. } | Operand::Sequence(_) | Operand::Null => None,
            Operand::Auth | Operand::Claims | Operand::Claim(_) => None,
        }
    }

    /// How large it is where it is put in.
    pub fn nodes(&self) -> usize {
        match self {
            Operand::List(items) => items.iter().map(|(item, _)| item.nodes()).sum(),
            Operand::Sequence(sequence) => sequence.nodes(),
            Operand::Rows { keys, .. } => keys.len(),
            other => other.read().map_or(1, |read| read.nodes()),
        }
    }

    /// What it is, for a message.
    pub fn describe(&self) -> String {
        match self {
            Operand::List(_) | Operand::Sequence(_) => "a list".into(),
            Operand::Rows { .. } => "rows of a resource".into(),
            Operand::Null => "null".into(),
            Operand::Auth => "`auth` itself".into(),
            Operand::Claims => "`auth.claims` itself".into(),
            Operand::Claim(name) => format!("the claim `{name}`, whose type is not known here"),
            Operand::Target(Target { form: Form::Etag { .. }, .. }) => "an etag".into(),
            other => other.ty().map_or_else(|| "a value".into(), Type::describe),
        }
    }
}

/// A claim as a value of a type: NULL where it is of another. Anything but a claim stays as it is, and so does a claim that
/// cannot be of the type.
pub(crate) fn claimed_as(operand: Operand, ty: &Type) -> Operand {
    match &operand {
        Operand::Claim(name) => match kind_of_claim(ty) {
            Some(kind) => Operand::Computed { ty: ty.clone(), expr: claim(name, kind) },
            None => operand,
        },
        _ => operand,
    }
}

/// What a claim comes to as a value of a kind; `Kind::Json` is anything but null.
pub(crate) fn claim(name: &str, kind: Kind) -> Expr {
    Expr::Json { of: Box::new(Expr::Auth(AuthName::Claims)), key: Box::new(Expr::text(name)), kind }
}

fn kind_of_claim(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Text => Some(Kind::Text),
        Type::Bool => Some(Kind::Bool),
        Type::Int => Some(Kind::Int),
        Type::Double | Type::Float => Some(Kind::Double),
        _ => None,
    }
}

fn read_target(target: &Target) -> Option<Expr> {
    match &target.form {
        Form::Scalar { expr, nullable: false } => Some(expr.clone()),
        Form::Scalar { expr, nullable: true } | Form::Link { expr, .. } => {
            let zero = zero(&target.ty, expr)?;
            Some(Expr::Coalesce(Box::new(expr.clone()), Box::new(Expr::Literal(zero))))
        }
        Form::Name { template, columns, nullable, .. } => {
            let name = render(template, columns);
            Some(if *nullable { Expr::Coalesce(Box::new(name), Box::new(Expr::text(""))) } else { name })
        }
        Form::Etag { .. } | Form::Flat { .. } | Form::Document(_) => None,
    }
}

/// How a constant is written that stands beside something of another type, where that is known: a value of an enum, or
/// a number or truth in quotes.
pub(crate) fn how_to_write(constant: &Operand, beside: &Operand) -> Option<String> {
    match (constant, beside.ty()?) {
        (Operand::Constant { ty: Type::Text, value: Value::Text(text) }, wanted) => unquoted(text, wanted),
        (Operand::Constant { value, .. }, Type::Text) => {
            Some(format!("a text is written in quotes: '{}'", plain(value)?))
        }
        (operand, Type::Enum(ty)) if operand.ty() == Some(&Type::Text) => {
            Some(format!("compare it with a value of the enum, for example `{}`", example(ty)))
        }
        _ => None,
    }
}

/// What a text should have been written as to be of the type.
pub(crate) fn unquoted(text: &str, wanted: &Type) -> Option<String> {
    match wanted {
        Type::Enum(ty) => {
            let value = ty.meant(text).map_or_else(|| example(ty), |value| format!("{}.{value}", ty.short_name()));
            Some(format!("name the value without quotes: `{value}`"))
        }
        Type::Int | Type::Double | Type::Float => {
            text.trim().parse::<f64>().is_ok().then(|| format!("write the number without quotes: {}", text.trim()))
        }
        Type::Bool => {
            let value = nearest(text, ["true", "false"])?;
            Some(format!("write {value} without quotes"))
        }
        Type::Timestamp => Some("write timestamp('2026-01-31T12:00:00Z')".into()),
        Type::Duration => Some("write duration('90s')".into()),
        Type::Date => Some("write a date as '2026-01-31'".into()),
        Type::TimeOfDay => Some("write a time of day as '08:30' or '08:30:15.5'".into()),
        Type::Decimal => Some("write a decimal as '12.50'".into()),
        _ => None,
    }
}

/// A value of the enum as a rule names it: `State.CART`.
pub(crate) fn example(ty: &EnumType) -> String {
    let value = ty.values.get(1).or(ty.values.first()).map_or("…", |(value, _)| value);
    format!("{}.{value}", ty.short_name())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Double(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether the two types can be compared.
pub(crate) fn comparable(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::Enum(a), Type::Enum(b)) => a.name == b.name,
        (Type::Int, Type::Enum(_)) | (Type::Enum(_), Type::Int) => true,
        (Type::Bool, Type::Bool)
        | (Type::Int, Type::Int)
        | (Type::Double | Type::Float, Type::Double | Type::Float)
        | (Type::Text, Type::Text)
        | (Type::Bytes, Type::Bytes)
        | (Type::Timestamp, Type::Timestamp)
        | (Type::Duration, Type::Duration)
        | (Type::Date, Type::Date)
        | (Type::TimeOfDay, Type::TimeOfDay)
        | (Type::Decimal, Type::Decimal) => true,
        _ => false,
    }
}

/// A constant as a value of a type, stored as `expr` is: integers become doubles where that is exact, numbers become
/// floats, timestamps become integers where a document holds them so. Nothing where the types do not fit.
pub(crate) fn adapted(ty: &Type, value: &Value, wanted: &Type, expr: &Expr) -> Option<Value> {
    if let (Type::Int, Type::Double | Type::Float, Value::Int(number)) = (ty, wanted, value) {
        const EXACT: i64 = 1 << 53;
        #[expect(clippy::cast_precision_loss, reason = "within the range in which every integer is a double")]
        let double = (-EXACT..=EXACT).contains(number).then_some(*number as f64);
        return double.map(|double| Value::Double(if *wanted == Type::Float { narrowed(double) } else { double }));
    }
    if let Some(written) = spelled(value, wanted) {
        return Some(written);
    }
    if !comparable(ty, wanted) {
        return None;
    }
    match (value, expr.kind()) {
        (Value::Double(number), _) if *wanted == Type::Float => Some(Value::Double(narrowed(*number))),
        (Value::Timestamp(micros), Some(Kind::Int)) => Some(Value::Int(*micros)),
        _ => Some(value.clone()),
    }
}

/// A constant of a type that rules have no literals for: a text such as '2024-05-01', '08:30' or '12.50', or a number as a
/// decimal. A number with a fraction counts as the digits that it is written with, of which a double keeps 15.
fn spelled(value: &Value, wanted: &Type) -> Option<Value> {
    match (wanted, value) {
        (Type::Date, Value::Text(text)) => Date::parse(text).ok().map(|date| Value::Int(date.number())),
        (Type::TimeOfDay, Value::Text(text)) => TimeOfDay::parse(text).ok().map(|time| Value::Int(time.number())),
        (Type::Decimal, Value::Text(text)) => decimal(text),
        (Type::Decimal, Value::Int(number)) => decimal(&number.to_string()),
        (Type::Decimal, Value::Double(number)) => decimal(&number.to_string()),
        _ => None,
    }
}

fn decimal(text: &str) -> Option<Value> {
    Decimal::parse(text).ok().map(|decimal| Value::Text(decimal.key()))
}

/// Whether the expression can be NULL on a record that is there: unset fields have been given their defaults by `read`.
pub(crate) fn may_be_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value) => value.is_null(),
        // What a list has is of its type.
        Expr::Column { .. } | Expr::Element { .. } | Expr::Now { .. } | Expr::IsNull(_) => false,
        Expr::Auth(name) => name.claim().nullable,
        Expr::Coalesce(_, second) => may_be_null(second),
        Expr::Json { .. } | Expr::Atom(_) | Expr::Look { .. } | Expr::Arithmetic { .. } | Expr::Sum { .. } => true,
        other => other.children().into_iter().any(may_be_null),
    }
}

/// The result where `of` is not NULL, else NULL: for operators that would otherwise swallow an error.
pub(crate) fn unless_null(of: &Expr, result: Expr) -> Expr {
    if !may_be_null(of) {
        return result;
    }
    Expr::If { condition: Box::new(Expr::is_null(of.clone())), then: Box::new(Expr::NULL), otherwise: Box::new(result) }
}

/// Two values of a type, stored alike: moments may be columns or numbers. Nothing where they cannot be.
pub(crate) fn stored_alike(left: Expr, right: Expr) -> Option<(Expr, Expr)> {
    match (left.kind(), right.kind()) {
        (Some(Kind::Timestamp), Some(Kind::Int)) => Some((Expr::micros(left), right)),
        (Some(Kind::Int), Some(Kind::Timestamp)) => Some((left, Expr::micros(right))),
        (Some(a), Some(b)) if a != b => None,
        _ => Some((left, right)),
    }
}

/// Whether values of the type have the same form everywhere.
pub(crate) fn is_scalar(ty: &Type) -> bool {
    kind_of_type(ty) != Kind::Json
}
