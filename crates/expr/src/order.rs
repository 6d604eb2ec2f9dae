//! Orders: `create_time desc, price.amount` (AIP-132).

use mainstay_record::NumberPath;

use crate::problem::{Problem, ProblemKind};
use crate::schema::{Field, RecordType, Storage, Type};

/// How long the source of an order may be.
pub const MAX_ORDER_BYTES: usize = 1024;
/// How many fields an order may name.
pub const MAX_ORDER_KEYS: usize = 8;

/// One field to order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey {
    /// The columns that carry the order: one, or the key columns of a resource name or reference.
    pub columns: Vec<usize>,
    /// The field's identity.
    pub path: NumberPath,
    pub descending: bool,
    /// Whether the columns may be NULL.
    pub nullable: bool,
}

/// Compiles an order by AIP-132: field paths separated by commas, each perhaps followed by `desc` (or `asc`, the default).
/// An empty source gives no keys.
///
/// # Errors
/// The first problem: syntax, an unknown field, a field without an order, one named twice, or too many.
pub fn compile_order(source: &str, record: &RecordType) -> Result<Vec<OrderKey>, Problem> {
    if source.len() > MAX_ORDER_BYTES {
        let message = format!("an order may have {MAX_ORDER_BYTES} bytes, this one has {}", source.len());
        return Err(Problem::new(0..source.len(), ProblemKind::Limit, message));
    }
    if source.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut keys: Vec<OrderKey> = Vec::new();
    let mut start = 0;
    for part in source.split(',') {
        let (span, key) = order_key(source, start..start + part.len(), record)?;
        start += part.len() + 1;
        if keys.iter().any(|known| known.path == key.path) {
            let message = format!("`{}` is named twice", &source[span.clone()]);
            return Err(Problem::new(span, ProblemKind::Type, message));
        }
        if keys.len() == MAX_ORDER_KEYS {
            let message = format!("an order may name {MAX_ORDER_KEYS} fields");
            return Err(Problem::new(span, ProblemKind::Limit, message));
        }
        keys.push(key);
    }
    Ok(keys)
}

type Span = std::ops::Range<usize>;

fn order_key(source: &str, part: Span, record: &RecordType) -> Result<(Span, OrderKey), Problem> {
    let words = words(source, part.clone());
    let descending = match words.as_slice() {
        [] => return Err(Problem::new(part, ProblemKind::Syntax, "a field name is missing here")),
        [_] => false,
        [_, direction] => match &source[direction.clone()] {
            "desc" => true,
            "asc" => false,
            other => {
                let message = format!("`{other}` is no direction");
                return Err(Problem::new(direction.clone(), ProblemKind::Syntax, message)
                    .help("write `field` or `field desc`, separated by commas"));
            }
        },
        [_, _, rest, ..] => {
            return Err(Problem::new(rest.clone(), ProblemKind::Syntax, "expected a comma here"));
        }
    };
    let span = words[0].clone();
    if let Some(name) = source[span.clone()].strip_prefix(['-', '+']) {
        let direction = if source[span.clone()].starts_with('-') { " desc" } else { "" };
        let problem = Problem::new(span, ProblemKind::Syntax, "a direction stands behind the field");
        return Err(problem.help(format!("write `{name}{direction}`")));
    }
    let (path, field) = resolve(source, span.clone(), record)?;
    let (columns, nullable) = orderable(field, &span)?;
    Ok((span, OrderKey { columns, path, descending, nullable }))
}

/// The spans of the words in a part of the source.
fn words(source: &str, part: Span) -> Vec<Span> {
    let text = &source[part.clone()];
    let offset = |word: &str| part.start + (word.as_ptr() as usize - text.as_ptr() as usize);
    text.split_whitespace().map(|word| offset(word)..offset(word) + word.len()).collect()
}

fn resolve<'r>(source: &str, span: Span, record: &'r RecordType) -> Result<(NumberPath, &'r Field), Problem> {
    let mut path = NumberPath::default();
    let mut within = record;
    let mut start = span.start;
    let mut segments = source[span.clone()].split('.').peekable();
    while let Some(name) = segments.next() {
        let place = start..start + name.len();
        start = place.end + 1;
        if name.is_empty() {
            return Err(Problem::new(span, ProblemKind::Syntax, "a field name is missing beside the dot"));
        }
        let Some(field) = within.input_field(name) else {
            let message = format!("`{}` has no field `{name}`", within.name);
            return Err(Problem::new(place, ProblemKind::UnknownName, message).maybe_help(within.suggest(name)));
        };
        path = path.child(field.number);
        match (&field.ty, segments.peek()) {
            (_, None) => return Ok((path, field)),
            (Type::Message(inner), Some(_)) if matches!(field.storage, Storage::Message { .. }) => within = inner,
            (_, Some(_)) if matches!(field.storage, Storage::Template { target: Some(_), .. }) => {
                let message = format!("`{name}` names another resource: a list has no order by that resource's fields");
                return Err(Problem::new(place, ProblemKind::Unsupported, message)
                    .help(format!("order by `{name}` itself, or by another field of `{}`", record.name)));
            }
            (ty, Some(_)) => {
                let message = format!("`{name}` is {}: nothing inside it can be ordered by", ty.describe());
                return Err(Problem::new(place, ProblemKind::Type, message));
            }
        }
    }
    Err(Problem::new(span, ProblemKind::Syntax, "a field name is missing here"))
}

/// The columns that carry the order of a field.
fn orderable(field: &Field, span: &Span) -> Result<(Vec<usize>, bool), Problem> {
    match &field.storage {
        Storage::Column { index, nullable } => Ok((vec![*index], *nullable)),
        Storage::Template { columns, nullable, .. } => Ok((columns.clone(), *nullable)),
        Storage::Account { column } => Ok((vec![*column], true)),
        Storage::Message { .. }
        | Storage::Json { .. }
        | Storage::Links { .. }
        | Storage::InJson
        | Storage::LinkInJson(_)
        | Storage::Etag { .. } => {
            let what =
                if matches!(field.storage, Storage::Etag { .. }) { "an etag".into() } else { field.ty.describe() };
            let message = format!("`{}` is {what}, which has no order", field.name);
            Err(Problem::new(span.clone(), ProblemKind::Type, message))
        }
    }
}
