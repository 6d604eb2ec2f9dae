//! Names of types as a file writes them.

use std::collections::HashSet;

use prost_reflect::prost_types::{DescriptorProto, EnumDescriptorProto, MethodDescriptorProto};
use prost_reflect::{FileDescriptor, Kind, MessageDescriptor};

/// What names mean in a file.
pub struct Names {
    package: String,
    /// First words that stand for something else somewhere in the file: what begins with one is written from the root on.
    ambiguous: HashSet<String>,
}

impl Names {
    pub fn of(file: &FileDescriptor) -> Names {
        let mut ambiguous: HashSet<String> = file.package_name().split('.').map(str::to_owned).collect();
        let descriptor = file.file_descriptor_proto();
        descriptor.message_type.iter().for_each(|message| inner(message, &mut ambiguous));
        // Where a method says what it takes and answers, a compiler finds methods of the service first.
        let methods = descriptor.service.iter().flat_map(|service| &service.method);
        ambiguous.extend(methods.map(MethodDescriptorProto::name).map(str::to_owned));
        Names { package: file.package_name().to_owned(), ambiguous }
    }

    pub fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Message(message) => self.message(message),
            Kind::Enum(item) => self.named(item.full_name()),
            Kind::Double => "double".to_owned(),
            Kind::Float => "float".to_owned(),
            Kind::Int32 => "int32".to_owned(),
            Kind::Int64 => "int64".to_owned(),
            Kind::Uint32 => "uint32".to_owned(),
            Kind::Uint64 => "uint64".to_owned(),
            Kind::Sint32 => "sint32".to_owned(),
            Kind::Sint64 => "sint64".to_owned(),
            Kind::Fixed32 => "fixed32".to_owned(),
            Kind::Fixed64 => "fixed64".to_owned(),
            Kind::Sfixed32 => "sfixed32".to_owned(),
            Kind::Sfixed64 => "sfixed64".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::String => "string".to_owned(),
            Kind::Bytes => "bytes".to_owned(),
        }
    }

    pub fn message(&self, message: &MessageDescriptor) -> String {
        self.named(message.full_name())
    }

    /// A full name, as short as it can be.
    pub fn named(&self, full: &str) -> String {
        let full = full.trim_start_matches('.');
        let own = full.strip_prefix(&self.package).and_then(|rest| rest.strip_prefix('.'));
        let short = own.unwrap_or(full);
        let first = short.split('.').next().unwrap_or(short);
        if self.ambiguous.contains(first) { format!(".{full}") } else { short.to_owned() }
    }
}

/// Enters what a message has a name of its own for inside it.
fn inner(message: &DescriptorProto, names: &mut HashSet<String>) {
    names.extend(message.nested_type.iter().map(|nested| nested.name().to_owned()));
    names.extend(message.enum_type.iter().map(EnumDescriptorProto::name).map(str::to_owned));
    // A compiler that looks for a name finds fields, too.
    names.extend(message.field.iter().map(|field| field.name().to_owned()));
    message.nested_type.iter().for_each(|nested| inner(nested, names));
}

/// The JSON name that a field has where none is written.
pub fn json_name(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut upper = false;
    for character in name.chars() {
        match character {
            '_' => upper = true,
            other if upper => {
                json.push(other.to_ascii_uppercase());
                upper = false;
            }
            other => json.push(other),
        }
    }
    json
}
