//! What is given with a transition: fields of the resource, in its request.

use prost_reflect::{FieldDescriptor, Kind};

use crate::annotations;
use crate::machine::Written;

/// What is added to the number of a resource's field where it is given with a transition: below lie those that every
/// transition has.
pub const FIRST_INPUT: u32 = 10;

/// The comment above one.
pub(super) fn comment(written: &Written, plural: &str) -> String {
    let (from, to) = (written.from.join(" or "), &written.to);
    format!("Takes one of the {} from {from} to {to} (AIP-216).", plural.replace('_', " "))
}

/// A field of the resource that is given with a transition.
pub(crate) struct Input<'f>(pub &'f FieldDescriptor);

impl Input<'_> {
    /// Its number in the request.
    pub(crate) fn number(&self) -> u32 {
        FIRST_INPUT + self.0.number()
    }

    /// Whether a caller has to give it.
    pub(crate) fn is_required(&self) -> bool {
        annotations::read(self.0).behaviors.required
    }

    /// Its type, as written in a `.proto` file of any package.
    pub(crate) fn written_type(&self) -> String {
        written_type(self.0)
    }

    /// The field as a line of a `.proto` file, without annotations.
    pub(crate) fn line(&self) -> String {
        format!("{} {} = {};", self.written_type(), self.0.name(), self.number())
    }

    /// Whether a written field is this one.
    pub(crate) fn fits(&self, field: &FieldDescriptor) -> bool {
        field.number() == self.number() && written_type(field) == self.written_type()
    }

    /// What is said of the field beside its type that holds in the request, too.
    pub(crate) fn annotations(&self) -> Vec<String> {
        let options = annotations::read(self.0);
        let mut all = Vec::new();
        if mainstay_record::names::json_name(self.0.name()) != self.0.json_name() {
            all.push(format!("json_name = \"{}\"", self.0.json_name()));
        }
        if options.behaviors.required {
            all.push("(google.api.field_behavior) = REQUIRED".to_owned());
        }
        if let Some(target) = &options.reference {
            all.push(format!("(google.api.resource_reference).type = \"{target}\""));
        }
        let aliases = options.aliases.iter().map(|alias| format!("aliases: \"{alias}\""));
        let own: Vec<String> = aliases.chain(options.class.map(|class| format!("class: {class}"))).collect();
        if !own.is_empty() {
            all.push(format!("(mainstay.v1.field) = {{{}}}", own.join(" ")));
        }
        all
    }

    /// The file that declares its type, where it has one of its own.
    pub(crate) fn import(&self) -> Option<String> {
        let of = |kind: &Kind| match kind {
            Kind::Message(message) => Some(message.parent_file().name().to_owned()),
            Kind::Enum(ty) => Some(ty.parent_file().name().to_owned()),
            _ => None,
        };
        match (self.0.is_map(), self.0.kind()) {
            (true, Kind::Message(entry)) => of(&entry.map_entry_value_field().kind()),
            (_, kind) => of(&kind),
        }
    }

    /// Whether it is said with Mainstay's own options.
    pub(crate) fn has_own_options(&self) -> bool {
        let options = annotations::read(self.0);
        !options.aliases.is_empty() || options.classed
    }
}

fn written_type(field: &FieldDescriptor) -> String {
    let of = |kind: &Kind| match kind {
        Kind::Message(message) => format!(".{}", message.full_name()),
        Kind::Enum(ty) => format!(".{}", ty.full_name()),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
            format!("map<{}, {}>", of(&key), of(&value))
        }
        kind if field.is_list() => format!("repeated {}", of(&kind)),
        kind @ Kind::Message(_) => of(&kind),
        kind if field.supports_presence() => format!("optional {}", of(&kind)),
        kind => of(&kind),
    }
}
