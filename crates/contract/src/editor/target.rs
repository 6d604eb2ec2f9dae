//! What the name of an option leads to, among those that are known without a contract.

use prost_reflect::{EnumValueDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::context::Name;
use super::docs;
use crate::capabilities::{self, Support};
use crate::embedded;
use crate::names::row;

/// An option, a part of one, or the options of an element, which have no name of their own.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Options(MessageDescriptor),
    Extension(ExtensionDescriptor),
    Field { written: String, row: String, field: FieldDescriptor },
}

impl Target {
    /// Follows a name, part by part.
    pub(super) fn of(element: &str, path: &[Name]) -> Option<Target> {
        let options = embedded::pool().get_message_by_name(&format!("google.protobuf.{element}"))?;
        let follow = |target: Target, name: &Name| {
            if name.extension { target.extension(&name.text) } else { target.field(&name.text) }
        };
        path.iter().try_fold(Target::Options(options), follow)
    }

    /// The part that is written so: an extension in its brackets.
    pub(super) fn part(&self, written: &str) -> Option<Target> {
        match written.strip_prefix(['(', '[']) {
            Some(name) => self.extension(name.trim_end_matches([')', ']'])),
            None => self.field(written),
        }
    }

    fn extension(&self, name: &str) -> Option<Target> {
        let found = embedded::pool().get_extension_by_name(name.trim_start_matches('.'))?;
        (found.containing_message() == self.message()?).then_some(Target::Extension(found))
    }

    fn field(&self, name: &str) -> Option<Target> {
        let field = self.message()?.get_field_by_name(name)?;
        Some(self.inner(field))
    }

    fn inner(&self, field: FieldDescriptor) -> Target {
        let (written, row) = match self {
            Target::Options(_) => (field.name().to_owned(), field.name().to_owned()),
            outer => (format!("{}.{}", outer.written(), field.name()), row(&outer.row(), field.name())),
        };
        Target::Field { written, row, field }
    }

    /// The message whose parts come next.
    fn message(&self) -> Option<MessageDescriptor> {
        match self {
            Target::Options(options) => Some(options.clone()),
            _ => self.kind()?.as_message().filter(|_| !self.is_map()).cloned(),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            Target::Options(_) => None,
            Target::Extension(found) => Some(found.kind()),
            Target::Field { field, .. } => Some(field.kind()),
        }
    }

    fn is_map(&self) -> bool {
        matches!(self, Target::Field { field, .. } if field.is_map())
    }

    pub(super) fn is_list(&self) -> bool {
        match self {
            Target::Options(_) => false,
            Target::Extension(found) => found.is_list(),
            Target::Field { field, .. } => field.is_list(),
        }
    }

    /// Whether it is made of parts.
    pub(super) fn has_parts(&self) -> bool {
        self.message().is_some()
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind(), Some(Kind::String | Kind::Bytes))
    }

    /// As an option is written: `(mainstay.v1.resource).access`.
    pub(super) fn written(&self) -> String {
        match self {
            Target::Options(_) => String::new(),
            Target::Extension(found) => format!("({})", found.full_name()),
            Target::Field { written, .. } => written.clone(),
        }
    }

    /// The last part, as it is written where it stands.
    pub(super) fn label(&self, braces: bool) -> String {
        match self {
            Target::Field { field, .. } => field.name().to_owned(),
            Target::Extension(found) if braces => format!("[{}]", found.full_name()),
            _ => self.written(),
        }
    }

    /// What the capability table calls it.
    fn row(&self) -> String {
        match self {
            Target::Field { row, .. } => row.clone(),
            _ => self.written(),
        }
    }

    /// Whether this version does it, or some part of it.
    fn is_implemented(&self) -> bool {
        let row = self.row();
        match capabilities::find(&row) {
            Some(found) => found.support == Support::Implemented,
            // Protobuf's own.
            None if !row.starts_with('(') => true,
            None => capabilities::has_implemented_part(&row),
        }
    }

    /// What the table of capabilities says.
    pub(super) fn note(&self) -> String {
        match capabilities::find(&self.row()) {
            None => String::new(),
            Some(row) if row.support == Support::Implemented => row.note.to_owned(),
            Some(row) => format!("not supported yet: {}", row.note),
        }
    }

    pub(super) fn doc(&self) -> String {
        let name = match self {
            Target::Options(_) => return String::new(),
            Target::Extension(found) => found.full_name().to_owned(),
            Target::Field { field, .. } => field.full_name().to_owned(),
        };
        docs::of(&name).to_owned()
    }

    pub(super) fn ty(&self) -> String {
        let Some(kind) = self.kind() else { return String::new() };
        let name = match &kind {
            Kind::Message(message) if self.is_map() => {
                let of = |kind: Kind| name(&kind);
                format!(
                    "map<{}, {}>",
                    of(message.map_entry_key_field().kind()),
                    of(message.map_entry_value_field().kind())
                )
            }
            kind => name(kind),
        };
        if self.is_list() { format!("repeated {name}") } else { name }
    }

    /// What can stand here next, of what this version does; Mainstay's own before the others, protobuf's own last.
    pub(super) fn parts(&self) -> Vec<Target> {
        let Some(message) = self.message() else { return Vec::new() };
        let mut extensions: Vec<Target> = message.extensions().map(Target::Extension).collect();
        extensions.sort_by_key(|found| {
            let name = found.written();
            (!name.starts_with("(mainstay."), !name.starts_with("(google.api."), name)
        });
        let own =
            message.fields().filter(|field| field.name() != "uninterpreted_option").map(|field| self.inner(field));
        extensions.into_iter().chain(own).filter(Target::is_implemented).collect()
    }

    /// The words that its value can be.
    pub(super) fn words(&self) -> Vec<(String, String)> {
        match self.kind() {
            Some(Kind::Bool) => ["true", "false"].map(|word| (word.to_owned(), String::new())).into(),
            Some(Kind::Enum(ty)) => {
                let done = |value: &EnumValueDescriptor| {
                    capabilities::is_implemented(&format!("{} = {}", self.row(), value.name()))
                };
                let worded =
                    |value: EnumValueDescriptor| (value.name().to_owned(), docs::of(value.full_name()).to_owned());
                ty.values().filter(done).map(worded).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(ty) => ty.full_name().to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
