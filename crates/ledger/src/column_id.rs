//! What a column is, whatever it is called.

use std::fmt;
use std::str::FromStr;

use mainstay_record::{Column, NumberPath, Role};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The field numbers from the resource down; `12.3` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FieldPath(pub Vec<u32>);

/// The identity of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnId {
    /// The part of the key in this position, a variable of the pattern or, before all of them, the organisation; `key:0` in JSON.
    Key(usize),
    /// `revision`
    Revision,
    /// `12.3`, `12?`, `4@0`
    Field(FieldPath, Part),
}

/// Which of a field's columns it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Whether a flattened message is set.
    Presence,
    Value,
    /// The key column of a reference's target, by position.
    Position(usize),
}

impl FieldPath {
    /// Says whether the field lies in the one at `outer`, or is it.
    pub fn is_within(&self, outer: &FieldPath) -> bool {
        self.0.starts_with(&outer.0)
    }

    /// The path with underscores, as it stands behind a name: `12_3`.
    pub fn suffix(&self) -> String {
        self.to_string().replace('.', "_")
    }

    /// The path of the message that the field lies in; empty for a field of the resource itself.
    pub fn parent(&self) -> FieldPath {
        FieldPath(self.0.split_last().map(|(_, outer)| outer.to_vec()).unwrap_or_default())
    }

    /// The field's own number.
    pub fn number(&self) -> u32 {
        self.0.last().copied().unwrap_or_default()
    }
}

impl ColumnId {
    /// The identity of the `position`th column of a layout.
    pub fn of(column: &Column, position: usize) -> ColumnId {
        let path = FieldPath::from(&column.path);
        match &column.role {
            Role::Organisation | Role::Key { .. } => ColumnId::Key(position),
            Role::Revision => ColumnId::Revision,
            Role::Field | Role::Json(_) => ColumnId::Field(path, Part::Value),
            Role::Presence => ColumnId::Field(path, Part::Presence),
            Role::Reference { position, .. } => ColumnId::Field(path, Part::Position(*position)),
        }
    }

    /// The field that the column belongs to, if it belongs to one.
    pub fn field(&self) -> Option<&FieldPath> {
        match self {
            ColumnId::Field(path, _) => Some(path),
            ColumnId::Key(_) | ColumnId::Revision => None,
        }
    }

    /// What tells the column from others of its name: `12_3`.
    pub fn suffix(&self) -> String {
        match self {
            ColumnId::Key(position) => format!("key{position}"),
            ColumnId::Revision => "revision".to_owned(),
            ColumnId::Field(path, Part::Value) => path.suffix(),
            ColumnId::Field(path, Part::Presence) => format!("{}_set", path.suffix()),
            ColumnId::Field(path, Part::Position(position)) => format!("{}_{position}", path.suffix()),
        }
    }
}

impl From<&NumberPath> for FieldPath {
    fn from(path: &NumberPath) -> FieldPath {
        FieldPath(path.0.clone())
    }
}

impl fmt::Display for FieldPath {
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

impl FromStr for FieldPath {
    type Err = String;

    fn from_str(text: &str) -> Result<FieldPath, String> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        numbers.map(FieldPath).map_err(|_| format!("`{text}` is no path of field numbers"))
    }
}

impl fmt::Display for ColumnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnId::Key(position) => write!(f, "key:{position}"),
            ColumnId::Revision => f.write_str("revision"),
            ColumnId::Field(path, Part::Value) => write!(f, "{path}"),
            ColumnId::Field(path, Part::Presence) => write!(f, "{path}?"),
            ColumnId::Field(path, Part::Position(position)) => write!(f, "{path}@{position}"),
        }
    }
}

impl FromStr for ColumnId {
    type Err = String;

    fn from_str(text: &str) -> Result<ColumnId, String> {
        let position = |digits: &str| digits.parse().map_err(|_| format!("`{text}` is no column identity"));
        if text == "revision" {
            return Ok(ColumnId::Revision);
        }
        if let Some(digits) = text.strip_prefix("key:") {
            return position(digits).map(ColumnId::Key);
        }
        if let Some(path) = text.strip_suffix('?') {
            return Ok(ColumnId::Field(path.parse()?, Part::Presence));
        }
        match text.split_once('@') {
            Some((path, digits)) => Ok(ColumnId::Field(path.parse()?, Part::Position(position(digits)?))),
            None => Ok(ColumnId::Field(text.parse()?, Part::Value)),
        }
    }
}

macro_rules! as_text {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

as_text!(FieldPath);
as_text!(ColumnId);
