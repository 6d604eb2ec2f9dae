//! The typed expression that both front ends compile to, the evaluator runs and the SQL emitter writes.

use std::sync::Arc;

use mainstay_record::time::TIME_RANGE_US;
use mainstay_record::{Kind, Value};

use crate::arithmetic::{ArithmeticOp, Numbers};
use crate::claims::AuthName;
use crate::re2::Pattern;
use crate::row::{Root, Row};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOp {
    StartsWith,
    EndsWith,
    Contains,
}

/// What `Size` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Unicode code points.
    Characters,
    Bytes,
    /// Elements of a JSON array.
    Items,
    /// Entries of a JSON object.
    Entries,
}

/// What a quantifier goes over.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// The elements of a JSON array; none where it is NULL.
    List(Box<Expr>),
    /// The rows of a table (its number) that are not deleted.
    Rows(usize),
    /// The row of a table with this key, whatever the relations lead to from there, and so on: each row once, and none that
    /// is more than `most` relations away. No row where the key is NULL.
    Climb(Climb),
}

/// Rows that lie above one another.
#[derive(Debug, Clone, PartialEq)]
pub struct Climb {
    pub table: usize,
    /// The key of the first row.
    pub start: Vec<Expr>,
    /// The columns of each relation that leads on from a row.
    pub relations: Vec<Vec<usize>>,
    pub most: usize,
    /// Whether a store shall begin with the rows of which it holds, and look for the first one among those below them. It is
    /// the same; where those are few, they are found sooner.
    pub from_above: bool,
}

/// How many relations to rows of the same table are followed one after the other.
pub const MAX_CLIMB: usize = 64;

/// A typed expression.
///
/// Every node is strict (NULL in, NULL out) unless its line says otherwise. Text compares by its UTF-8 bytes. The two
/// sides of a comparison have the same kind: the front ends see to that.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A constant, perhaps NULL.
    Literal(Value),
    /// A column as it is stored: NULL where the column is nullable and the field unset. One of a row that is not in hand
    /// stands only within a `Look` at that row.
    Column {
        row: Row,
        index: usize,
        kind: Kind,
    },
    /// The value of `then`, in which columns of the row may stand; NULL where the row is not there. A look at a row stands
    /// within the looks at those on the way to it.
    Look {
        row: Row,
        then: Box<Expr>,
    },
    Auth(AuthName),
    /// The time of the request, moved by a constant: see [`shift_time`].
    Now {
        offset_us: i64,
    },
    /// The value of `Split::atoms[i]`.
    Atom(usize),
    /// The element of the list that the quantifier of this level goes over: a scalar, or for `Kind::Json` a document. NULL
    /// where it is of another kind.
    Element {
        level: u8,
        kind: Kind,
    },
    /// The scalar (or, for `Kind::Json`, the document) under a key of a JSON object. NULL where the key is absent or the
    /// value is of another kind or JSON null. `Kind::Json` also takes a scalar, to ask whether the key is there.
    Json {
        of: Box<Expr>,
        key: Box<Expr>,
        kind: Kind,
    },
    /// Kleene: true if `holds` is true of one of what it goes over, else NULL if it is NULL of one, else false. Within `holds`
    /// an element is `Element`, and a row has the root `Root::Bound`, both of this level. The inner one of two quantifiers
    /// of one level hides the outer one.
    Exists {
        level: u8,
        over: Over,
        holds: Box<Expr>,
    },
    Not(Box<Expr>),
    /// Kleene: false if one is false, else NULL if one is NULL.
    And(Vec<Expr>),
    /// Kleene: true if one is true, else NULL if one is NULL.
    Or(Vec<Expr>),
    /// NULL where the condition is NULL.
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// Never NULL.
    IsNull(Box<Expr>),
    /// The first where it is not NULL, else the second.
    Coalesce(Box<Expr>, Box<Expr>),
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    TextMatch {
        op: TextOp,
        text: Box<Expr>,
        pattern: Box<Expr>,
    },
    /// Texts, one after the other.
    Concat(Vec<Expr>),
    /// ASCII letters in lower case (`upper`: upper case), all else as it is.
    AsciiCase {
        upper: bool,
        of: Box<Expr>,
    },
    /// `Kind::Int`.
    Size {
        of: Box<Expr>,
        measure: Measure,
    },
    /// Whether the text has a match.
    Matches {
        text: Box<Expr>,
        pattern: Arc<Pattern>,
    },
    /// NULL where the result is none of these numbers.
    Arithmetic {
        op: ArithmeticOp,
        left: Box<Expr>,
        right: Box<Expr>,
        within: Numbers,
    },
    /// The microseconds since 1970 of a moment: `Kind::Int`, as inside documents.
    Micros(Box<Expr>),
    /// The date in UTC of a moment in microseconds, as dates are stored: `Kind::Int`.
    DateOf(Box<Expr>),
    /// The sum of `value` over the elements of a JSON array of which `keep` is true; 0 where the array is NULL. NULL if
    /// `keep` is NULL of one, or `value` of one that is kept, or where the sum is none of these numbers. Within both an
    /// element is `Element` of this level.
    Sum {
        level: u8,
        list: Box<Expr>,
        keep: Box<Expr>,
        value: Box<Expr>,
        within: Numbers,
    },
}

impl Expr {
    pub const TRUE: Expr = Expr::Literal(Value::Bool(true));
    pub const FALSE: Expr = Expr::Literal(Value::Bool(false));
    pub const NULL: Expr = Expr::Literal(Value::Null);

    /// A column of a record in hand.
    pub fn column(root: Root, index: usize, kind: Kind) -> Expr {
        Expr::Column { row: Row::of(root), index, kind }
    }

    pub fn text(text: impl Into<String>) -> Expr {
        Expr::Literal(Value::Text(text.into()))
    }

    pub fn int(number: i64) -> Expr {
        Expr::Literal(Value::Int(number))
    }

    pub fn compare(op: CompareOp, left: Expr, right: Expr) -> Expr {
        Expr::Compare { op, left: Box::new(left), right: Box::new(right) }
    }

    pub fn eq(left: Expr, right: Expr) -> Expr {
        Expr::compare(CompareOp::Eq, left, right)
    }

    pub fn negate(of: Expr) -> Expr {
        Expr::Not(Box::new(of))
    }

    /// Says whether something is true of an element of a JSON array: false where it is of none, or NULL.
    pub fn any(level: u8, of: Expr, holds: Expr) -> Expr {
        let holds = Box::new(Expr::Coalesce(Box::new(holds), Box::new(Expr::FALSE)));
        Expr::Exists { level, over: Over::List(Box::new(of)), holds }
    }

    pub fn arithmetic(op: ArithmeticOp, left: Expr, right: Expr, within: Numbers) -> Expr {
        Expr::Arithmetic { op, left: Box::new(left), right: Box::new(right), within }
    }

    /// A moment in microseconds, whichever way it is stored.
    pub fn micros(of: Expr) -> Expr {
        match of {
            Expr::Literal(Value::Timestamp(micros)) => Expr::int(micros),
            of if of.kind() == Some(Kind::Timestamp) => Expr::Micros(Box::new(of)),
            of => of,
        }
    }

    pub fn is_null(of: Expr) -> Expr {
        Expr::IsNull(Box::new(of))
    }

    pub fn is_set(of: Expr) -> Expr {
        Expr::negate(Expr::is_null(of))
    }

    /// Whether the expression is the constant NULL, true or false.
    pub fn constant(&self) -> Option<Option<bool>> {
        match self {
            Expr::Literal(Value::Null) => Some(None),
            Expr::Literal(Value::Bool(value)) => Some(Some(*value)),
            _ => None,
        }
    }

    /// The kind of the values; nothing for NULL.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Expr::Literal(value) => kind_of(value),
            Expr::Column { kind, .. } | Expr::Json { kind, .. } | Expr::Element { kind, .. } => Some(*kind),
            Expr::Auth(name) => Some(name.claim().kind),
            Expr::Look { then, .. } => then.kind(),
            Expr::Concat(_) | Expr::AsciiCase { .. } => Some(Kind::Text),
            Expr::Now { .. } => Some(Kind::Timestamp),
            Expr::If { then, otherwise, .. } => then.kind().or_else(|| otherwise.kind()),
            Expr::Coalesce(first, second) => first.kind().or_else(|| second.kind()),
            Expr::Arithmetic { within: Numbers::Double, .. } => Some(Kind::Double),
            Expr::Size { .. } | Expr::Arithmetic { .. } | Expr::Micros(_) | Expr::DateOf(_) | Expr::Sum { .. } => {
                Some(Kind::Int)
            }
            Expr::Atom(_)
            | Expr::Exists { .. }
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::IsNull(_)
            | Expr::Compare { .. }
            | Expr::Matches { .. }
            | Expr::TextMatch { .. } => Some(Kind::Bool),
        }
    }
}

impl CompareOp {
    /// The operator with its sides exchanged.
    pub fn mirrored(self) -> CompareOp {
        match self {
            CompareOp::Eq | CompareOp::Ne => self,
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
        }
    }

    /// Whether the operator holds for two values that compare like this.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
        }
    }
}

/// The kind of a value; nothing for NULL.
pub fn kind_of(value: &Value) -> Option<Kind> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(Kind::Bool),
        Value::Int(_) => Some(Kind::Int),
        Value::Double(_) => Some(Kind::Double),
        Value::Text(_) => Some(Kind::Text),
        Value::Bytes(_) => Some(Kind::Bytes),
        Value::Timestamp(_) => Some(Kind::Timestamp),
        Value::Json(_) => Some(Kind::Json),
    }
}

/// The value of `Expr::Now { offset_us }`: the time moved, and kept within [`TIME_RANGE_US`] (PostgreSQL knows no others).
pub fn shift_time(now_us: i64, offset_us: i64) -> i64 {
    now_us.saturating_add(offset_us).clamp(*TIME_RANGE_US.start(), *TIME_RANGE_US.end())
}
