//! The typed expression that both front ends compile to, the evaluator runs and the SQL emitter writes.

use std::collections::BTreeSet;

use mainstay_record::time::TIME_RANGE_US;
use mainstay_record::{Kind, Value};

use crate::claims::AuthName;
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
    /// The element of the innermost `Any`: a scalar, or for `Kind::Json` a document. NULL where it is of another kind.
    Element {
        kind: Kind,
    },
    /// The scalar (or, for `Kind::Json`, the document) under a key of a JSON object. NULL where the key is absent or the
    /// value is of another kind or JSON null. `Kind::Json` also takes a scalar, to ask whether the key is there.
    Json {
        of: Box<Expr>,
        key: Box<Expr>,
        kind: Kind,
    },
    /// True iff the predicate is true for an element of the JSON array `of`; false where `of` is NULL. Never NULL.
    Any {
        of: Box<Expr>,
        predicate: Box<Expr>,
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
            Expr::Column { kind, .. } | Expr::Json { kind, .. } | Expr::Element { kind } => Some(*kind),
            Expr::Auth(name) => Some(name.claim().kind),
            Expr::Look { then, .. } => then.kind(),
            Expr::Concat(_) | Expr::AsciiCase { .. } => Some(Kind::Text),
            Expr::Now { .. } => Some(Kind::Timestamp),
            Expr::If { then, otherwise, .. } => then.kind().or_else(|| otherwise.kind()),
            Expr::Coalesce(first, second) => first.kind().or_else(|| second.kind()),
            Expr::Size { .. } => Some(Kind::Int),
            Expr::Atom(_)
            | Expr::Any { .. }
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::IsNull(_)
            | Expr::Compare { .. }
            | Expr::TextMatch { .. } => Some(Kind::Bool),
        }
    }

    /// The direct sub-expressions.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Literal(_)
            | Expr::Column { .. }
            | Expr::Auth(_)
            | Expr::Now { .. }
            | Expr::Atom(_)
            | Expr::Element { .. } => Vec::new(),
            Expr::Json { of, key, .. } => vec![of, key],
            Expr::Any { of, predicate } => vec![of, predicate],
            Expr::Not(of)
            | Expr::IsNull(of)
            | Expr::AsciiCase { of, .. }
            | Expr::Size { of, .. }
            | Expr::Look { then: of, .. } => vec![of],
            Expr::And(list) | Expr::Or(list) | Expr::Concat(list) => list.iter().collect(),
            Expr::If { condition, then, otherwise } => vec![condition, then, otherwise],
            Expr::Coalesce(first, second) => vec![first, second],
            Expr::Compare { left, right, .. } => vec![left, right],
            Expr::TextMatch { text, pattern, .. } => vec![text, pattern],
        }
    }

    /// Rebuilds the expression with `f` applied to each direct sub-expression.
    pub fn map_children(self, f: &mut impl FnMut(Expr) -> Expr) -> Expr {
        let mut boxed = |e: Box<Expr>| Box::new(f(*e));
        match self {
            Expr::Json { of, key, kind } => Expr::Json { of: boxed(of), key: boxed(key), kind },
            Expr::Any { of, predicate } => Expr::Any { of: boxed(of), predicate: boxed(predicate) },
            Expr::Look { row, then } => Expr::Look { row, then: boxed(then) },
            Expr::Not(of) => Expr::Not(boxed(of)),
            Expr::IsNull(of) => Expr::IsNull(boxed(of)),
            Expr::AsciiCase { upper, of } => Expr::AsciiCase { upper, of: boxed(of) },
            Expr::Size { of, measure } => Expr::Size { of: boxed(of), measure },
            Expr::And(list) => Expr::And(list.into_iter().map(f).collect()),
            Expr::Or(list) => Expr::Or(list.into_iter().map(f).collect()),
            Expr::Concat(list) => Expr::Concat(list.into_iter().map(f).collect()),
            Expr::If { condition, then, otherwise } => {
                Expr::If { condition: boxed(condition), then: boxed(then), otherwise: boxed(otherwise) }
            }
            Expr::Coalesce(first, second) => Expr::Coalesce(boxed(first), boxed(second)),
            Expr::Compare { op, left, right } => Expr::Compare { op, left: boxed(left), right: boxed(right) },
            Expr::TextMatch { op, text, pattern } => Expr::TextMatch { op, text: boxed(text), pattern: boxed(pattern) },
            leaf @ (Expr::Literal(_)
            | Expr::Column { .. }
            | Expr::Auth(_)
            | Expr::Now { .. }
            | Expr::Atom(_)
            | Expr::Element { .. }) => leaf,
        }
    }

    /// Whether the test holds for the expression or one below it.
    pub fn any_node(&self, test: &mut impl FnMut(&Expr) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any_node(test))
    }

    /// The columns of the records in hand that the expression reads, be it to find other rows.
    pub fn columns(&self) -> BTreeSet<(Root, usize)> {
        let mut columns = BTreeSet::new();
        self.any_node(&mut |node| {
            match node {
                Expr::Column { row, index, .. } if row.is_in_hand() => {
                    columns.insert((row.root, *index));
                }
                Expr::Look { row, .. } => {
                    let first = row.hops.iter().take(1).flat_map(|relation| &relation.columns);
                    columns.extend(first.map(|index| (row.root, *index)));
                }
                _ => {}
            }
            false
        });
        columns
    }

    /// Whether the expression needs nothing but the caller: no row, no time, no element.
    pub fn uses_only_auth(&self) -> bool {
        !self.any_node(&mut |node| {
            matches!(node, Expr::Column { .. } | Expr::Look { .. } | Expr::Now { .. } | Expr::Atom(_))
        })
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
