//! From a field's name to the expression that reads it: what both front ends share.

use std::sync::Arc;

use mainstay_record::{Decimal, JsonShape, Kind, Template, Value, etag_revision};

use crate::ir::{CompareOp, Expr, Measure};
use crate::problem::{Problem, ProblemKind};
use crate::row::{Link, Relation, Root, Row};
use crate::schema::{Field, LinkTo, RecordType, Storage, Type, account_template};

/// What a field path leads to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub ty: Type,
    pub form: Form,
}

#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// A stored scalar; NULL where unset if `nullable`.
    Scalar {
        expr: Expr,
        nullable: bool,
    },
    /// A resource name or reference.
    Name {
        template: Template,
        columns: Vec<Expr>,
        nullable: bool,
        /// The row that a reference leads to.
        to: Option<Row>,
        /// Whether it names an account, whose id is its one part.
        is_account: bool,
    },
    Etag {
        revision: Expr,
    },
    /// A reference in a list or in an element of one: the name as a text, NULL where unset. Without a row it names an account.
    Link {
        expr: Expr,
        to: Option<Row>,
    },
    /// A message whose fields have storage of their own.
    Flat {
        record: Arc<RecordType>,
        row: Row,
        presence: Option<Expr>,
    },
    /// A document: a list, map, Struct or message; NULL where empty or unset.
    Document(Document),
}

/// A JSON document and where its storage keys are found.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub expr: Expr,
    pub shape: Arc<JsonShape>,
    /// The entry of the shape for the messages in this document.
    pub message: Option<usize>,
    /// Where its elements lead, of a list of references.
    pub links: Option<LinkTo>,
}

impl Document {
    /// Says whether the message in this document is one that recurs, of which expressions know no fields although it has
    /// some.
    pub fn is_cut(&self, record: &RecordType) -> bool {
        let stored = self.message.and_then(|message| self.shape.messages.get(message));
        record.fields.is_empty() && stored.is_some_and(|message| !message.fields.is_empty())
    }
}

/// Why nothing inside a message that recurs can be named, and what to do instead.
pub(crate) fn recurs(span: std::ops::Range<usize>, record: &RecordType, name: &str) -> Problem {
    let message = format!(
        "`{}` contains itself, and of such messages only the outermost one's fields can be named: `{name}` lies further in",
        record.name
    );
    Problem::new(span, ProblemKind::Unsupported, message)
        .help("keep what is asked for in a field of the resource, or make the inner message a resource of its own")
}

/// How many references a rule or a filter may follow one after the other.
pub const MAX_HOPS: usize = 8;

/// Finds the record of a row that a reference leads to.
///
/// # Errors
/// It lies too many references away.
pub(crate) fn followed<'r>(
    row: &Row,
    records: &'r [Arc<RecordType>],
    name: &str,
    span: std::ops::Range<usize>,
) -> Result<&'r RecordType, Problem> {
    if row.hops.len() > MAX_HOPS {
        let message = format!("more than {MAX_HOPS} references are followed one after the other");
        let problem = Problem::new(span, ProblemKind::Limit, message);
        return Err(problem.help("ask for what lies nearer, or keep what is asked for in the resource itself"));
    }
    let record = row.table().and_then(|table| records.get(table));
    record.map(|record| &**record).ok_or_else(|| {
        let message = format!("`{name}` names another resource, which cannot be followed here");
        Problem::new(span, ProblemKind::Unsupported, message)
    })
}

impl Target {
    /// The field of a record as a whole.
    pub fn of_record(field: &Field, row: &Row) -> Target {
        let column = |index: usize, kind: Kind| Expr::Column { row: row.clone(), index, kind };
        let form = match &field.storage {
            Storage::Column { index, nullable } => {
                Form::Scalar { expr: column(*index, kind_of_type(&field.ty)), nullable: *nullable }
            }
            Storage::Template { template, columns, nullable, target } => Form::Name {
                template: template.clone(),
                columns: columns.iter().map(|index| column(*index, Kind::Text)).collect(),
                nullable: *nullable,
                to: target.as_ref().map(|to| row.via(Relation::of(to.key.clone(), to.table))),
                is_account: false,
            },
            Storage::Account { column: index } => Form::Name {
                template: account_template(),
                columns: vec![column(*index, Kind::Text)],
                nullable: true,
                to: None,
                is_account: true,
            },
            Storage::Etag { revision } => Form::Etag { revision: column(*revision, Kind::Int) },
            Storage::Message { presence } => Form::Flat {
                record: match &field.ty {
                    Type::Message(record) => record.clone(),
                    _ => Arc::default(),
                },
                row: row.clone(),
                presence: presence.map(|index| column(index, Kind::Bool)),
            },
            Storage::Json { column: index, shape } => Form::Document(Document {
                expr: column(*index, Kind::Json),
                message: (!shape.messages.is_empty()).then_some(0),
                shape: Arc::new(shape.clone()),
                links: None,
            }),
            Storage::Links { column: index, to } => Form::Document(Document {
                expr: column(*index, Kind::Json),
                shape: Arc::default(),
                message: None,
                links: Some(to.clone()),
            }),
            // Only the fields of messages inside documents are stored so, and those are reached by `in_document`.
            Storage::InJson | Storage::LinkInJson(_) => Form::Scalar { expr: Expr::NULL, nullable: true },
        };
        Target { ty: field.ty.clone(), form }
    }

    /// The field of a message that is stored in a document; nothing where the shape does not know it.
    pub fn in_document(field: &Field, document: &Document) -> Option<Target> {
        let message = document.shape.messages.get(document.message?)?;
        let stored = message.fields.iter().find(|stored| stored.number == field.number)?;
        let read = |kind: Kind| Expr::Json {
            of: Box::new(document.expr.clone()),
            key: Box::new(Expr::text(stored.key.as_str())),
            kind,
        };
        let link = if let Storage::LinkInJson(to) = &field.storage { Some(to.clone()) } else { None };
        let form = match (json_kind(&field.ty), link) {
            (Some(kind), Some(to)) => match linked(&to, &document.expr, &[stored.key.as_str()]) {
                Some(to) => Form::Link { expr: read(kind), to },
                // Nothing finds it from a row itself: it can be compared, and not followed.
                None => Form::Scalar { expr: read(kind), nullable: true },
            },
            (Some(kind), None) => Form::Scalar { expr: read(kind), nullable: true },
            (None, links) => Form::Document(Document {
                expr: read(Kind::Json),
                shape: document.shape.clone(),
                message: stored.message,
                links,
            }),
        };
        Some(Target { ty: field.ty.clone(), form })
    }

    /// The element of a list, within the quantifier of a level.
    pub fn element(level: u8, ty: &Type, list: &Document) -> Target {
        let element = |kind: Kind| Expr::Element { level, kind };
        let link = list.links.as_ref().and_then(|to| linked(to, &element(Kind::Json), &[]));
        let form = match (json_kind(ty), link) {
            (Some(kind), Some(to)) => Form::Link { expr: element(kind), to },
            (Some(kind), None) => Form::Scalar { expr: element(kind), nullable: false },
            (None, _) => Form::Document(Document { expr: element(Kind::Json), ..list.clone() }),
        };
        Target { ty: ty.clone(), form }
    }

    /// The value of a map under a key: NULL where the key is missing.
    pub fn entry(ty: &Type, map: &Document, key: &Expr) -> Target {
        let read = |kind: Kind| Expr::Json { of: Box::new(map.expr.clone()), key: Box::new(key.clone()), kind };
        let form = match json_kind(ty) {
            Some(kind) => Form::Scalar { expr: read(kind), nullable: false },
            None => Form::Document(Document { expr: read(Kind::Json), ..map.clone() }),
        };
        Target { ty: ty.clone(), form }
    }

    /// Whether the field is set: by its presence, or by differing from its default where it has none (AIP-160, CEL).
    pub fn is_present(&self) -> Expr {
        match &self.form {
            // In a document a zero is left out unless the field tracks presence, so being there is being present.
            Form::Scalar { expr, nullable: true } | Form::Link { expr, .. } => Expr::is_set(expr.clone()),
            Form::Scalar { expr, nullable: false } => match zero(&self.ty, expr) {
                Some(zero) => Expr::compare(CompareOp::Ne, expr.clone(), Expr::Literal(zero)),
                None => Expr::is_set(expr.clone()),
            },
            Form::Name { columns, nullable: true, .. } => {
                columns.first().map_or(Expr::FALSE, |first| Expr::is_set(first.clone()))
            }
            Form::Name { columns, nullable: false, .. } => said_of(columns, true),
            Form::Etag { revision } => Expr::said_of(revision, true),
            Form::Flat { presence: Some(presence), .. } => presence.clone(),
            Form::Flat { record, row, presence: None } => {
                Expr::Or(record.fields.iter().map(|field| Target::of_record(field, row).is_present()).collect())
            }
            Form::Document(document) => document_present(&self.ty, &document.expr),
        }
    }
}

/// The row that a reference below these keys of a document leads to; nothing inside where it names an account, and nothing at all
/// where that is no element of a list.
fn linked(link: &LinkTo, document: &Expr, below: &[&str]) -> Option<Option<Row>> {
    let Some(table) = link.target else { return Some(None) };
    let mut keys: Vec<String> = below.iter().map(|key| (*key).to_owned()).collect();
    let mut within = document;
    let level = loop {
        match within {
            Expr::Element { level, .. } => break *level,
            Expr::Json { of, key, .. } => {
                let Expr::Literal(Value::Text(key)) = &**key else { return None };
                keys.insert(0, key.clone());
                within = of;
            }
            _ => return None,
        }
    };
    let link = Link { keys, template: link.template.clone() };
    let relation = Relation { columns: Vec::new(), link: Some(link), table };
    Some(Some(Row::of(Root::Bound(level)).via(relation)))
}

/// A document is present unless empty. A column is NULL where empty; inside a document, empty lists are left out.
fn document_present(ty: &Type, expr: &Expr) -> Expr {
    match (ty, expr) {
        (Type::List(_) | Type::Map(_) | Type::MapOther { .. }, Expr::Json { .. }) => {
            Expr::compare(CompareOp::Gt, document_size(ty, expr.clone()), Expr::int(0))
        }
        _ => Expr::is_set(expr.clone()),
    }
}

/// How many elements or entries a document has; 0 where it is NULL.
pub(crate) fn document_size(ty: &Type, expr: Expr) -> Expr {
    let measure = if matches!(ty, Type::List(_)) { Measure::Items } else { Measure::Entries };
    let size = Expr::Size { of: Box::new(expr), measure };
    Expr::Coalesce(Box::new(size), Box::new(Expr::int(0)))
}

/// The kind that a scalar type has in a column.
pub(crate) fn kind_of_type(ty: &Type) -> Kind {
    match ty {
        Type::Bool => Kind::Bool,
        Type::Int | Type::Duration | Type::Date | Type::TimeOfDay | Type::Enum(_) => Kind::Int,
        Type::Double | Type::Float => Kind::Double,
        Type::Text | Type::Decimal => Kind::Text,
        Type::Bytes => Kind::Bytes,
        Type::Timestamp => Kind::Timestamp,
        Type::Message(_) | Type::List(_) | Type::Map(_) | Type::MapOther { .. } | Type::Struct | Type::Opaque(_) => {
            Kind::Json
        }
    }
}

/// The kind that a scalar type is read as from a document; nothing for a type that is a document itself.
fn json_kind(ty: &Type) -> Option<Kind> {
    match kind_of_type(ty) {
        Kind::Json => None,
        Kind::Timestamp => Some(Kind::Int),
        kind => Some(kind),
    }
}

/// The value that an unset field of a scalar type reads as, in the kind that `expr` has.
pub(crate) fn zero(ty: &Type, expr: &Expr) -> Option<Value> {
    match (kind_of_type(ty), expr.kind()) {
        _ if *ty == Type::Decimal => Some(Value::Text(Decimal::default().key())),
        (Kind::Json, _) => None,
        (Kind::Timestamp, Some(Kind::Timestamp) | None) => Some(Value::Timestamp(0)),
        (Kind::Timestamp, _) => Some(Value::Int(0)),
        (kind, _) => Some(kind.zero()),
    }
}

/// Compares a stored value with a constant, where NULL means unset and reads as `unset` (nothing: equal to nothing and in
/// no order with anything). The comparison itself stays plain, so that an index can serve it.
pub(crate) fn compare_constant(op: CompareOp, expr: Expr, unset: Option<&Value>, constant: Value) -> Expr {
    let holds_unset = match unset {
        Some(value) => {
            let unset = Expr::compare(op, Expr::Literal(value.clone()), Expr::Literal(constant.clone()));
            crate::evaluate(&unset, &crate::Scope::default()) == Some(true)
        }
        None => op == CompareOp::Ne,
    };
    let plain = Expr::compare(op, expr.clone(), Expr::Literal(constant));
    match holds_unset {
        true => Expr::Or(vec![Expr::is_null(expr), plain]),
        false => Expr::And(vec![Expr::is_set(expr), plain]),
    }
}

/// The condition that a text starts with a constant, as a range that an index can serve: text orders by its UTF-8 bytes,
/// which is the order of code points.
pub(crate) fn starts_with_constant(text: Expr, prefix: &str) -> Expr {
    let from = Expr::compare(CompareOp::Ge, text.clone(), Expr::text(prefix));
    match after_prefix(prefix) {
        Some(end) => Expr::And(vec![from, Expr::compare(CompareOp::Lt, text, Expr::text(end))]),
        None => from,
    }
}

/// The least text above all that start with the prefix; nothing where there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// The text of a resource name: NULL where unset.
pub(crate) fn render(template: &Template, columns: &[Expr]) -> Expr {
    use mainstay_record::TemplatePart;
    let parts = template.parts.iter().map(|part| match part {
        TemplatePart::Literal(text) => Expr::text(text.as_str()),
        TemplatePart::Variable(position) => columns.get(*position).cloned().unwrap_or(Expr::NULL),
    });
    Expr::Concat(parts.collect())
}

/// Whether a resource name equals a constant: a comparison of key columns. Unset reads as the empty text.
pub(crate) fn name_equals(template: &Template, columns: &[Expr], nullable: bool, constant: &str) -> Expr {
    if constant.is_empty() {
        return match columns.first() {
            Some(first) if nullable => Expr::is_null(first.clone()),
            _ => said_of(columns, false),
        };
    }
    let Some(values) = template.parse(constant) else { return said_of(columns, false) };
    let unset = nullable.then(|| Value::Text(String::new()));
    let equal = columns.iter().zip(values).map(|(column, value)| match &unset {
        Some(unset) => compare_constant(CompareOp::Eq, column.clone(), Some(unset), Value::Text(value.to_owned())),
        None => Expr::eq(column.clone(), Expr::text(value)),
    });
    Expr::And(equal.collect())
}

/// Whether the etag equals a constant: a comparison of revisions.
pub(crate) fn etag_equals(revision: Expr, constant: &str) -> Expr {
    match etag_revision(constant) {
        Some(number) => Expr::eq(revision, Expr::int(number)),
        None => Expr::said_of(&revision, false),
    }
}

/// A constant that is said of a resource name.
fn said_of(columns: &[Expr], constant: bool) -> Expr {
    Expr::said_of(columns.first().unwrap_or(&Expr::NULL), constant)
}
