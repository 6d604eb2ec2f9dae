//! What a stored value must be like, as SQL: to count the rows that a tightened contract would refuse.

use serde::{Deserialize, Serialize};

use crate::literal::literal;
use crate::{Dialect, Literal};

/// A constant of a limit. Unlike a float, its bits can be compared and hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    Bool(bool),
    Int(i64),
    /// The bits of an `f64`.
    Double(u64),
    Text(String),
}

/// One limit of a column's values. NULL is within every limit but that of items, where it is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "limit", rename_all = "snake_case")]
pub enum Limit {
    AtLeast {
        bound: Constant,
        exclusive: bool,
    },
    AtMost {
        bound: Constant,
        exclusive: bool,
    },
    OneOf {
        values: Vec<Constant>,
    },
    NoneOf {
        values: Vec<Constant>,
    },
    /// Characters of a text.
    MinLength {
        bound: u64,
    },
    MaxLength {
        bound: u64,
    },
    /// Bytes of a text, or of bytes.
    MinBytes {
        bound: u64,
    },
    MaxBytes {
        bound: u64,
    },
    /// Of a text: how it begins, how it ends, what is in it.
    Prefix {
        part: String,
    },
    Suffix {
        part: String,
    },
    Contains {
        part: String,
    },
    NotContains {
        part: String,
    },
    /// Within one of two.
    Either {
        one: Box<Limit>,
        other: Box<Limit>,
    },
    /// Elements of a JSON array or entries of a JSON object.
    MinItems {
        bound: u64,
    },
    MaxItems {
        bound: u64,
    },
}

impl Limit {
    /// Writes the condition that a value of `column` is outside the limit.
    pub(crate) fn outside(&self, dialect: Dialect, column: &str) -> String {
        let constant = |constant: &Constant| literal(dialect, &Literal::from(constant));
        let list = |values: &[Constant]| values.iter().map(constant).collect::<Vec<_>>().join(", ");
        match self {
            Limit::AtLeast { bound, exclusive } => {
                format!("{column} {} {}", if *exclusive { "<=" } else { "<" }, constant(bound))
            }
            Limit::AtMost { bound, exclusive } => {
                format!("{column} {} {}", if *exclusive { ">=" } else { ">" }, constant(bound))
            }
            Limit::OneOf { values } if values.is_empty() => format!("{column} IS NOT NULL"),
            Limit::NoneOf { values } if values.is_empty() => "FALSE".to_owned(),
            Limit::OneOf { values } => format!("{column} NOT IN ({})", list(values)),
            Limit::NoneOf { values } => format!("{column} IN ({})", list(values)),
            Limit::MinLength { bound } => format!("length({column}) < {bound}"),
            Limit::MaxLength { bound } => format!("length({column}) > {bound}"),
            Limit::MinBytes { bound } => format!("{} < {bound}", bytes(dialect, column)),
            Limit::MaxBytes { bound } => format!("{} > {bound}", bytes(dialect, column)),
            Limit::Prefix { part } => format!("substr({column}, 1, {}) <> {}", characters(part), text(dialect, part)),
            // From the end where it is as long as that; what is shorter is all of itself.
            Limit::Suffix { part } => format!(
                "substr({column}, length({column}) - {} + 1) <> {} OR length({column}) < {}",
                characters(part),
                text(dialect, part),
                characters(part)
            ),
            Limit::Contains { part } => format!("{} = 0", place(dialect, column, part)),
            Limit::NotContains { part } => format!("{} > 0", place(dialect, column, part)),
            Limit::Either { one, other } => {
                format!("({}) AND ({})", one.outside(dialect, column), other.outside(dialect, column))
            }
            Limit::MinItems { bound } => format!("{} < {bound}", items(dialect, column)),
            Limit::MaxItems { bound } => format!("{} > {bound}", items(dialect, column)),
        }
    }
}

fn bytes(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("length(CAST({column} AS BLOB))"),
        Dialect::Postgres => format!("octet_length({column})"),
    }
}

fn characters(part: &str) -> usize {
    part.chars().count()
}

fn text(dialect: Dialect, part: &str) -> String {
    literal(dialect, &Literal::Text(part.to_owned()))
}

/// Where a text has a part, counted from 1; 0 where it has none.
fn place(dialect: Dialect, column: &str, part: &str) -> String {
    let part = text(dialect, part);
    match dialect {
        Dialect::Sqlite => format!("instr({column}, {part})"),
        Dialect::Postgres => format!("strpos({column}, {part})"),
    }
}

fn items(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("(SELECT COUNT(*) FROM json_each({column}))"),
        Dialect::Postgres => format!(
            "(CASE jsonb_typeof({column}) WHEN 'array' THEN jsonb_array_length({column}) \
             WHEN 'object' THEN (SELECT COUNT(*) FROM jsonb_object_keys({column})) ELSE 0 END)"
        ),
    }
}

impl From<&Constant> for Literal {
    fn from(constant: &Constant) -> Literal {
        match constant {
            Constant::Bool(value) => Literal::Bool(*value),
            Constant::Int(value) => Literal::Int(*value),
            Constant::Double(bits) => Literal::Double(f64::from_bits(*bits)),
            Constant::Text(value) => Literal::Text(value.clone()),
        }
    }
}

impl Constant {
    /// The constant with the bits of a float.
    pub fn double(value: f64) -> Constant {
        Constant::Double(value.to_bits())
    }
}
