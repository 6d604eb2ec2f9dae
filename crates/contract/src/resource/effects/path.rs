//! Where the path of an effect leads: through messages, one list, and references.

use std::ops::Range;
use std::sync::Arc;

use mainstay_expr::{Element, Field, Link, LinkTo, RecordType, Relation, Root, Row, Storage, Type, suggest};
use mainstay_record::JsonShape;

/// How many references a path follows at most.
const MAX_HOPS: usize = mainstay_expr::MAX_HOPS;

/// Where a path has come to.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    /// The resource whose row this is.
    pub resource: usize,
    pub row: Row,
    pub record: Arc<RecordType>,
    pub list: Option<Listed>,
    /// Within an element of the list: the keys on the way, and where the keys of its fields stand.
    pub inside: Option<Inside>,
}

/// The list that the path goes through.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub column: usize,
    pub element: Element,
}

#[derive(Debug, Clone)]
pub(super) struct Inside {
    pub keys: Vec<String>,
    pub shape: Arc<JsonShape>,
    pub message: usize,
}

/// Why a path leads nowhere.
#[derive(Debug)]
pub(super) enum Stuck {
    /// No field has the name; what there is instead.
    Unknown { at: Range<usize>, name: String, of: String, help: Option<String> },
    /// It could lead on, and does not yet.
    Unsupported { at: Range<usize>, what: String },
    /// It is no path.
    Wrong { at: Range<usize>, message: String },
}

/// Goes along all names of a path but the last. Names are told by their places in the path.
pub(super) fn walk<'p>(
    path: &'p str,
    resource: usize,
    records: &[Arc<RecordType>],
) -> Result<(Reached, &'p str, Range<usize>), Stuck> {
    let mut at = Reached {
        resource,
        row: Row::of(Root::Resource),
        record: Arc::clone(&records[resource]),
        list: None,
        inside: None,
    };
    let mut begin = 0;
    loop {
        let rest = &path[begin..];
        let name = rest.split('.').next().unwrap_or_default();
        let range = begin..begin + name.len();
        if name.is_empty() {
            return Err(Stuck::Wrong { at: range, message: "a name is missing here".to_owned() });
        }
        if name.len() == rest.len() {
            return Ok((at, name, range));
        }
        at = at.step(name, range.clone(), records)?;
        begin = range.end + 1;
    }
}

impl Reached {
    /// The field of this name where the path is.
    pub fn field(&self, name: &str, at: Range<usize>) -> Result<&Field, Stuck> {
        let found = if self.inside.is_some() { self.record.field(name) } else { self.record.member(name) };
        found.ok_or_else(|| Stuck::Unknown {
            at,
            name: name.to_owned(),
            of: self.record.name.clone(),
            help: suggest(name, self.record.fields.iter().map(|field| field.name.as_str()), "its fields are"),
        })
    }

    /// Follows a name, so that the path is in what it names.
    pub fn step(self, name: &str, at: Range<usize>, records: &[Arc<RecordType>]) -> Result<Reached, Stuck> {
        let field = self.field(name, at.clone())?.clone();
        let unsupported = |what: String| Stuck::Unsupported { at: at.clone(), what };
        match (&field.storage, &field.ty) {
            (Storage::Template { target: Some(to), .. }, _) => {
                let row = self.row.via(Relation::of(to.key.clone(), to.table));
                self.follow(row, to.table, records, at)
            }
            (Storage::LinkInJson(LinkTo { template, target: Some(target) }), _) => {
                let keys = self.keys(&field).ok_or_else(|| unsupported(format!("the field `{name}` here")))?;
                let link = Link { keys, template: template.clone() };
                let relation = Relation { columns: Vec::new(), link: Some(link), table: *target };
                let row = Row::of(Root::Bound(0)).via(relation);
                self.follow(row, *target, records, at)
            }
            (Storage::Message { .. }, Type::Message(record)) => Ok(Reached { record: Arc::clone(record), ..self }),
            (Storage::Json { column, shape }, Type::List(ty)) => {
                let Type::Message(record) = &**ty else {
                    return Err(Stuck::Wrong { at, message: format!("the elements of `{name}` have no fields") });
                };
                if self.list.is_some() || !self.row.is_in_hand() {
                    return Err(unsupported(format!("`{name}`, a list that is not in the row itself,")));
                }
                let shape = Arc::new(shape.clone());
                let element = Element { ty: (**ty).clone(), shape: Arc::clone(&shape), message: Some(0) };
                Ok(Reached {
                    row: Row::of(Root::Bound(0)),
                    record: Arc::clone(record),
                    list: Some(Listed { column: *column, element }),
                    inside: Some(Inside { keys: Vec::new(), shape, message: 0 }),
                    ..self
                })
            }
            (Storage::InJson, Type::Message(record)) => {
                let keys = self.keys(&field);
                let message = self.stored(&field).and_then(|stored| stored.message);
                match (keys, message, self.inside) {
                    (Some(keys), Some(message), Some(inside)) => {
                        let inside = Some(Inside { keys, message, ..inside });
                        Ok(Reached { record: Arc::clone(record), inside, ..self })
                    }
                    _ => Err(unsupported(format!("the field `{name}` here"))),
                }
            }
            (Storage::Json { .. } | Storage::InJson, Type::List(_) | Type::Message(_) | Type::Map(_)) => {
                Err(unsupported(format!("`{name}`, a list, map or recurring message inside another,")))
            }
            (_, ty) => {
                let message = format!("`{name}` is {}, which leads no further", ty.describe());
                Err(Stuck::Wrong { at, message })
            }
        }
    }

    fn follow(self, row: Row, target: usize, records: &[Arc<RecordType>], at: Range<usize>) -> Result<Reached, Stuck> {
        if row.hops.len() > MAX_HOPS {
            let message = format!("more than {MAX_HOPS} references are followed one after the other");
            return Err(Stuck::Wrong { at, message });
        }
        Ok(Reached { resource: target, row, record: Arc::clone(&records[target]), inside: None, ..self })
    }

    fn stored(&self, field: &Field) -> Option<&mainstay_record::JsonField> {
        let inside = self.inside.as_ref()?;
        inside.shape.messages.get(inside.message)?.fields.iter().find(|stored| stored.number == field.number)
    }

    /// The keys on the way to a field inside an element.
    pub fn keys(&self, field: &Field) -> Option<Vec<String>> {
        let key = self.stored(field)?.key.clone();
        Some(self.inside.as_ref()?.keys.iter().cloned().chain([key]).collect())
    }
}
