//! What a rule, a filter or an order may name, and where each name's value lies in a row.

use std::sync::Arc;

use mainstay_record::names::{Names, named};
use mainstay_record::{JsonShape, Template, TemplatePart};

use crate::suggest::{nearest, suggest};

/// The fields of one message, as expressions see them.
///
/// A message type that contains itself is cut where it recurs: the inner occurrence has no fields here (its shape in the
/// JSON column has), so naming one there is not supported.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordType {
    /// The message's full name: `shop.v1.Product`.
    pub name: String,
    pub fields: Vec<Field>,
    /// The rows above one of a resource, as references by the names of its pattern's variables (`project` in
    /// `projects/{project}/tasks/{task}`), the nearest last. A field of the same name hides one.
    pub ancestors: Vec<Field>,
    /// The rows below one of a resource, by the collections of their patterns: rules quantify over them.
    pub children: Vec<Child>,
    /// Each row belongs to an organisation, which the first column says.
    pub tenant: bool,
}

/// The rows of another resource that lie directly below a row: its key is the beginning of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Child {
    /// The collection: `members`.
    pub name: String,
    /// The number of the other record.
    pub table: usize,
    /// How many columns the row's key has.
    pub keys: usize,
}

/// A field that an expression may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    /// Its name in JSON, which filters and orders accept.
    pub json_name: String,
    /// Names that the field had before; filters, orders and rules accept them.
    pub aliases: Vec<String>,
    pub number: u32,
    pub ty: Type,
    pub storage: Storage,
    /// A reference to the same resource that never comes back to where it began.
    pub acyclic: bool,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Bool,
    /// Every integer type; stored as `i64`.
    Int,
    Double,
    /// A 32-bit float, stored as the same double; constants are rounded before they are compared with it.
    Float,
    Text,
    Bytes,
    /// Microseconds since 1970 UTC, `Kind::Timestamp` in a column, `Kind::Int` inside JSON.
    Timestamp,
    /// Microseconds.
    Duration,
    /// `yyyymmdd`, so that dates order as integers.
    Date,
    /// Nanoseconds since midnight.
    TimeOfDay,
    /// A text that sorts as the numbers do ([`mainstay_record::Decimal`]).
    Decimal,
    Enum(Arc<EnumType>),
    Message(Arc<RecordType>),
    List(Box<Type>),
    /// A map with string keys.
    Map(Box<Type>),
    /// A map with other keys, which are stored as text: filters look inside it, rules ask its presence and size.
    MapOther {
        key: MapKey,
        value: Box<Type>,
    },
    /// `google.protobuf.Struct`: its presence can be asked, and whether it has a key.
    Struct,
    /// Another message that is stored as JSON, by its name: only its presence can be asked.
    Opaque(&'static str),
}

/// The keys of a map that are no strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKey {
    /// Every integer type; stored in plain digits.
    Int,
    /// Stored as `true` and `false`.
    Bool,
}

/// An enum and its values in order of declaration; aliases (two names for one number) are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnumType {
    /// The full name: `shop.v1.Order.State`.
    pub name: String,
    pub values: Vec<(String, i32)>,
}

/// Where the value of a field lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Storage {
    /// One column; `index` counts in `Layout::columns`. A nullable column is NULL iff the field is unset.
    Column { index: usize, nullable: bool },
    /// A resource name or reference, put together from key columns; nullable columns are all NULL iff the field is unset.
    /// `target` is what a reference leads to.
    Template { template: Template, columns: Vec<usize>, nullable: bool, target: Option<Referred> },
    /// A flattened message: its fields have storage of their own. Without a presence column the message is present iff
    /// one of its fields is.
    Message { presence: Option<usize> },
    /// A list, map, Struct or recursive message, stored as JSON; NULL where empty or unset.
    Json { column: usize, shape: JsonShape },
    /// A reference to an account: its id. Rules compare it with `auth.uid`.
    Account { column: usize },
    /// A list of references, stored as JSON: the whole names of the rows that they lead to.
    Links { column: usize, to: LinkTo },
    /// A field of a message inside a JSON column; its storage key is in that column's shape, found by its number.
    InJson,
    /// The same of a reference: the whole name of the row that it leads to.
    LinkInJson(LinkTo),
    /// The resource's etag: the revision as 16 lower-case hexadecimal digits.
    Etag { revision: usize },
}

/// The row that a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referred {
    /// The number of the record.
    pub table: usize,
    /// The columns that hold its key: those of its name, behind that of the organisation where it belongs to one.
    pub key: Vec<usize>,
}

impl Referred {
    /// One whose key is its name.
    pub fn by_name(table: usize, columns: &[usize]) -> Referred {
        Referred { table, key: columns.to_vec() }
    }
}

/// Where a resource name that is stored as a whole leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTo {
    pub template: Template,
    /// The number of the record that it leads to; nothing where it names an account.
    pub target: Option<usize>,
}

/// How accounts are named: `accounts/` and their uid.
pub fn account_template() -> Template {
    Template { parts: vec![TemplatePart::Literal("accounts/".to_owned()), TemplatePart::Variable(0)] }
}

impl Field {
    fn names(&self) -> Names<'_, String> {
        Names { name: &self.name, json_name: &self.json_name, aliases: &self.aliases }
    }
}

impl RecordType {
    /// Finds the field that a client names, by any of its names.
    pub fn input_field(&self, name: &str) -> Option<&Field> {
        named(&self.fields, Field::names, name)
    }

    /// The same, or the ancestor of that name.
    pub(crate) fn input_member(&self, name: &str) -> Option<&Field> {
        self.input_field(name).or_else(|| named(&self.ancestors, Field::names, name))
    }

    /// Finds the field that a rule names, by its name or one of its aliases; a present name wins over another field's alias.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .or_else(|| self.fields.iter().find(|field| field.aliases.iter().any(|alias| alias == name)))
    }

    /// The same, or the ancestor of that name.
    pub fn member(&self, name: &str) -> Option<&Field> {
        self.field(name).or_else(|| self.ancestor(name))
    }

    /// Finds an ancestor by its name.
    pub(crate) fn ancestor(&self, name: &str) -> Option<&Field> {
        self.ancestors.iter().find(|ancestor| ancestor.name == name)
    }

    /// What to write instead of a field that is not there.
    pub fn suggest(&self, name: &str) -> Option<String> {
        let members = self.fields.iter().chain(&self.ancestors).map(|field| field.name.as_str());
        suggest(name, members.chain(self.children.iter().map(|child| child.name.as_str())), "its fields are")
    }
}

impl EnumType {
    /// Finds the number of a value by its name.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(value, _)| value == name).map(|(_, number)| *number)
    }

    /// What to write instead of a value that is not there.
    pub(crate) fn suggest(&self, name: &str) -> Option<String> {
        match self.meant(name) {
            Some(value) => Some(format!("did you mean `{value}`?")),
            None => suggest(name, self.values.iter().map(|(name, _)| name.as_str()), "its values are"),
        }
    }

    /// The value that was meant: the nearest, or the one that has the enum's name in front (`STATE_OPEN` for `open`).
    pub(crate) fn meant(&self, name: &str) -> Option<&str> {
        let values = || self.values.iter().map(|(value, _)| value.as_str());
        let ending = format!("_{}", name.to_ascii_uppercase());
        nearest(name, values()).or_else(|| values().find(|value| value.to_ascii_uppercase().ends_with(&ending)))
    }

    /// The name as it is short enough to be read: `State`.
    pub(crate) fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

impl Type {
    /// The type's name, for a message.
    pub fn describe(&self) -> String {
        match self {
            Type::Bool => "a bool".into(),
            Type::Int => "an integer".into(),
            Type::Double | Type::Float => "a number".into(),
            Type::Text => "a string".into(),
            Type::Bytes => "bytes".into(),
            Type::Timestamp => "a timestamp".into(),
            Type::Duration => "a duration".into(),
            Type::Date => "a date".into(),
            Type::TimeOfDay => "a time of day".into(),
            Type::Decimal => "a decimal".into(),
            Type::Enum(ty) => format!("the enum {}", ty.name),
            Type::Message(ty) => format!("the message {}", ty.name),
            Type::List(_) => "a list".into(),
            Type::Map(_) => "a map".into(),
            Type::MapOther { key: MapKey::Int, .. } => "a map with integer keys".into(),
            Type::MapOther { key: MapKey::Bool, .. } => "a map with bool keys".into(),
            Type::Struct => "a google.protobuf.Struct".into(),
            Type::Opaque(name) => format!("a {name}"),
        }
    }
}
