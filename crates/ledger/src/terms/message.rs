//! The fields of a request or an answer, as far as a client can tell them: number, type, names.

use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde::{Deserialize, Serialize};

use crate::signature::{Label, Signature};

/// The fields of a message that is not stored, in the order of their numbers: `2 string product_id, 3 message product`. One
/// text, since a ledger has many of them and they are compared as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(String);

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldChange<'f> {
    Added(FieldText<'f>),
    Removed(FieldText<'f>),
    Changed(FieldText<'f>, FieldText<'f>),
}

/// One field of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldText<'f> {
    pub number: &'f str,
    /// `repeated message`
    pub ty: &'f str,
    pub name: &'f str,
    /// Its name in JSON, where that is not what the name gives.
    pub json_name: Option<&'f str>,
}

impl Fields {
    /// A single field.
    pub(super) fn one(number: u32, ty: &str, name: &str) -> Fields {
        Fields(format!("{number} {ty} {name}"))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the only field.
    pub(crate) fn only_name(&self) -> Option<&str> {
        self.iter().next().map(|field| field.name)
    }

    fn iter(&self) -> impl Iterator<Item = FieldText<'_>> {
        self.0.split(", ").filter_map(FieldText::parse)
    }

    /// What of these fields is otherwise now.
    pub(crate) fn changes<'f>(&'f self, now: &'f Fields) -> Vec<FieldChange<'f>> {
        if self == now {
            return Vec::new();
        }
        let by_number = |fields: &'f Fields, number: &str| fields.iter().find(|field| field.number == number);
        let mut changes: Vec<FieldChange<'_>> = Vec::new();
        for was in self.iter() {
            match by_number(now, was.number) {
                Some(field) if field == was => {}
                Some(field) => changes.push(FieldChange::Changed(was, field)),
                None => changes.push(FieldChange::Removed(was)),
            }
        }
        changes.extend(now.iter().filter(|field| by_number(self, field.number).is_none()).map(FieldChange::Added));
        changes
    }
}

impl<'f> FieldText<'f> {
    fn parse(text: &'f str) -> Option<FieldText<'f>> {
        let (number, rest) = text.split_once(' ')?;
        let (rest, json_name) = match rest.split_once(" as ") {
            Some((rest, json_name)) => (rest, Some(json_name)),
            None => (rest, None),
        };
        let (ty, name) = rest.rsplit_once(' ')?;
        Some(FieldText { number, ty, name, json_name })
    }
}

/// The fields of a message.
pub(super) fn fields_of(message: &MessageDescriptor) -> Fields {
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    Fields(fields.iter().map(text_of).collect::<Vec<_>>().join(", "))
}

fn text_of(field: &FieldDescriptor) -> String {
    let signature = Signature::of(field, None);
    let label = match signature.label {
        Label::Repeated => "repeated ",
        Label::Optional if field.kind().as_message().is_none() => "optional ",
        Label::Oneof => "oneof ",
        Label::Implicit | Label::Optional | Label::Map => "",
    };
    let json_name = field.json_name();
    let json = if json_name == super::json_name_of(field.name()) { String::new() } else { format!(" as {json_name}") };
    // What a map is of has a comma of its own.
    format!("{} {label}{} {}{json}", field.number(), signature.ty.replace(", ", ","), field.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart_by_their_numbers() {
        let was = Fields("1 string parent, 2 string book_id, 3 message book, 9 map<string,int32> x".to_owned());
        let now = Fields("2 string volume_id, 3 message book as b, 4 bool dry, 9 map<string,int32> x".to_owned());
        let names: Vec<String> = was
            .changes(&now)
            .into_iter()
            .map(|change| match change {
                FieldChange::Added(field) => format!("+{}", field.name),
                FieldChange::Removed(field) => format!("-{}", field.name),
                FieldChange::Changed(was, now) => format!("{}>{}{:?}", was.name, now.name, now.json_name),
            })
            .collect();
        assert_eq!(names, ["-parent", "book_id>volume_idNone", "book>bookSome(\"b\")", "+dry"]);
        assert!(was.changes(&was).is_empty());
    }
}
