//! How a message lies in columns.

use std::fmt;

use crate::Kind;

/// The field numbers from the resource down to a field: `12.3`. This, not a name, is a column's identity (see the ledger).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NumberPath(pub Vec<u32>);

impl NumberPath {
    /// This path with one more step.
    pub fn child(&self, number: u32) -> NumberPath {
        let mut path = self.0.clone();
        path.push(number);
        NumberPath(path)
    }
}

impl fmt::Display for NumberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

/// The columns of one resource's table, in the order in which every statement selects them.
///
/// Always: the key columns (of a tenant's resource that of the organisation, then one for each variable of the pattern,
/// outermost first), then the revision, then the fields
/// in the order of their numbers (a presence column stands before the columns of its message).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    pub columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The column's name in the database, unquoted: `title`, `address__city`, `id`, `_revision`.
    pub name: String,
    /// The field's name path in the contract today: `address.city`; empty for key and revision columns.
    pub field: String,
    /// The field's identity; empty for key and revision columns.
    pub path: NumberPath,
    pub role: Role,
    pub kind: Kind,
    /// NULL iff the field is unset. A column that is not nullable is `NOT NULL DEFAULT` its kind's zero.
    pub nullable: bool,
}

/// What a column is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// The organisation that the row belongs to, by its uid: of a tenant's resource the first part of the primary key, which no
    /// name says.
    Organisation,
    /// A variable of the resource's pattern (`product` of `products/{product}`): part of the primary key.
    Key { variable: String },
    /// The row's revision, a BIGINT that grows with every accepted write; the etag is made of it.
    Revision,
    /// The value of a singular scalar, enum, Timestamp, Duration, Date or wrapper field.
    Field,
    /// Whether the singular message at `path` is set (`Kind::Bool`, never NULL).
    Presence,
    /// A repeated, map, Struct or recursive field, stored as JSON; NULL where empty or unset.
    Json(JsonShape),
    /// One key column of the resource that the string field at `path` names (`google.api.resource_reference`), NULL where
    /// unset. A target with several variables has one such column for each, `position` counting from 0.
    Reference { target: String, template: Template, position: usize },
}

/// How a resource name is put together: `products/{0}`. Literals include their slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Template {
    pub parts: Vec<TemplatePart>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplatePart {
    Literal(String),
    /// The variable with this position, counting from 0.
    Variable(usize),
}

impl Template {
    /// Puts the name together from the variables' values.
    pub fn render<'a>(&self, variable: impl Fn(usize) -> &'a str) -> String {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                TemplatePart::Literal(text) => name.push_str(text),
                TemplatePart::Variable(position) => name.push_str(variable(*position)),
            }
        }
        name
    }

    /// Takes a name apart: the variables' values in order, or nothing where the name does not fit the pattern.
    /// A value is never empty and holds no `/`.
    pub fn parse<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let mut rest = name;
        let mut values = Vec::with_capacity(1);
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                TemplatePart::Literal(text) => rest = rest.strip_prefix(text.as_str())?,
                TemplatePart::Variable(_) => {
                    let end = if i + 1 == self.parts.len() { rest.len() } else { rest.find('/')? };
                    let (value, tail) = rest.split_at(end);
                    if value.is_empty() || value.contains('/') {
                        return None;
                    }
                    values.push(value);
                    rest = tail;
                }
            }
        }
        rest.is_empty().then_some(values)
    }

    /// The same template where the first variables are others, so many, that no name says.
    #[must_use]
    pub fn behind(&self, unnamed: usize) -> Template {
        let part = |part: &TemplatePart| match part {
            TemplatePart::Literal(text) => TemplatePart::Literal(text.clone()),
            TemplatePart::Variable(position) => TemplatePart::Variable(position + unnamed),
        };
        Template { parts: self.parts.iter().map(part).collect() }
    }

    /// How many variables the name has.
    pub fn variables(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, TemplatePart::Variable(_))).count()
    }
}

/// The keys under which the messages inside a JSON column are stored. `messages[0]` is the field's own message type (no
/// entries where the field holds scalars or a Struct). A recursive type refers back to its own entry, so the shape is finite.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonShape {
    pub messages: Vec<JsonMessage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonMessage {
    pub fields: Vec<JsonField>,
}

/// A field of a message inside a JSON column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonField {
    pub number: u32,
    /// The storage key: the field's name at birth, which the ledger remembers, so that a rename rewrites nothing.
    pub key: String,
    /// Index into `JsonShape::messages` where the field holds messages (singular, repeated or as map values).
    pub message: Option<usize>,
}

impl Layout {
    /// The position of the revision column.
    pub fn revision(&self) -> usize {
        self.columns.iter().position(|c| c.role == Role::Revision).unwrap_or(0)
    }

    /// How many columns the primary key has; they come first.
    pub fn keys(&self) -> usize {
        self.columns.iter().take_while(|c| matches!(c.role, Role::Key { .. } | Role::Organisation)).count()
    }

    /// Says whether each row belongs to an organisation, which is then the first part of its key.
    pub fn is_tenant(&self) -> bool {
        self.columns.first().is_some_and(|column| column.role == Role::Organisation)
    }

    /// How many columns of the key no name says: they stand before those that one does.
    pub fn unnamed_keys(&self) -> usize {
        usize::from(self.is_tenant())
    }
}
