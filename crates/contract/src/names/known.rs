//! All names of a contract and of what it may import, and which file each is in.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::capabilities::is_implemented;
use crate::embedded;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message or an enum.
    Type,
    /// An option; of the message with this full name, where that is known.
    Extension {
        extendee: String,
    },
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Name {
    pub kind: Kind,
    pub file: String,
    /// Whether it is the contract's own.
    pub written: bool,
}

/// The names by full name.
pub(super) struct Known {
    pub names: HashMap<String, Name>,
    /// The full names of the types that a field may have, sorted.
    pub types: Vec<String>,
    /// The files that the written ones import, with whether they pass it on.
    imports: HashMap<String, Vec<(String, bool)>>,
}

/// What a name in some scope leads to.
pub(super) enum Found<'k> {
    Visible(&'k str, &'k Name),
    /// It is there, but its file is not imported.
    NotImported(&'k str, &'k Name),
    Unknown,
}

impl Known {
    pub(super) fn new<'f>(written: impl Iterator<Item = &'f FileDescriptorProto>) -> Known {
        let mut names = embedded_names().clone();
        let mut imports = HashMap::new();
        for file in written {
            Collect { names: &mut names, file: file.name(), written: true }.file(file);
            let public = |i: usize| file.public_dependency.iter().any(|index| usize::try_from(*index) == Ok(i));
            let dependencies = file.dependency.iter().enumerate().map(|(i, name)| (name.clone(), public(i)));
            imports.insert(file.name().to_owned(), dependencies.collect());
        }
        let mut types: Vec<String> =
            names.iter().filter(|(full, name)| is_usable(full, name)).map(|(full, _)| full.clone()).collect();
        types.sort();
        Known { names, types, imports }
    }

    /// The files whose names a file can use; nothing where one of its imports is not there.
    pub(super) fn visible(&self, file: &FileDescriptorProto) -> Option<HashSet<String>> {
        let mut seen = HashSet::from([file.name().to_owned()]);
        let mut pending = file.dependency.clone();
        while let Some(name) = pending.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            if let Some(embedded) = embedded::pool().get_file_by_name(&name) {
                pending.extend(embedded.public_dependencies().map(|file| file.name().to_owned()));
            } else {
                let further = self.imports.get(&name)?;
                pending.extend(further.iter().filter(|(_, public)| *public).map(|(name, _)| name.clone()));
            }
        }
        Some(seen)
    }

    /// Finds what a name means in a scope (`shop.v1.Order`), from the inside out.
    pub(super) fn find(
        &self,
        scope: &str,
        name: &str,
        wanted: impl Fn(&Kind) -> bool,
        sees: impl Fn(&str) -> bool,
    ) -> Found<'_> {
        let mut hidden = None;
        for candidate in candidates(scope, name) {
            let Some((full, found)) = self.names.get_key_value(&candidate).filter(|(_, found)| wanted(&found.kind))
            else {
                continue;
            };
            if sees(&found.file) {
                return Found::Visible(full, found);
            }
            hidden = hidden.or(Some((full, found)));
        }
        hidden.map_or(Found::Unknown, |(full, found)| Found::NotImported(full, found))
    }
}

/// Files that describe protobuf itself; nobody stores what is in them.
const INSIDE: [&str; 4] = [
    "google/protobuf/api.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/source_context.proto",
    "google/protobuf/type.proto",
];

/// Whether a type is the contract's own, or a standard one that is stored.
fn is_usable(full: &str, found: &Name) -> bool {
    let standard = full.strip_prefix("google.protobuf.").or(full.strip_prefix("google.type."));
    let usable = || {
        standard.is_some_and(|name| !name.contains('.'))
            && !INSIDE.contains(&found.file.as_str())
            && is_implemented(full)
    };
    found.kind == Kind::Type && (found.written || usable())
}

/// The full names that a name can stand for.
fn candidates(scope: &str, name: &str) -> Vec<String> {
    if let Some(full) = name.strip_prefix('.') {
        return vec![full.to_owned()];
    }
    let mut found = Vec::new();
    let mut scope = scope;
    while !scope.is_empty() {
        found.push(format!("{scope}.{name}"));
        scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
    found.push(name.to_owned());
    found
}

fn embedded_names() -> &'static HashMap<String, Name> {
    static NAMES: OnceLock<HashMap<String, Name>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for file in embedded::pool().files() {
            let name = file.name().to_owned();
            Collect { names: &mut names, file: &name, written: false }.file(file.file_descriptor_proto());
        }
        names
    })
}

struct Collect<'a> {
    names: &'a mut HashMap<String, Name>,
    file: &'a str,
    written: bool,
}

impl Collect<'_> {
    fn add(&mut self, scope: &str, name: &str, kind: Kind) -> String {
        let full = join(scope, name);
        let name = Name { kind, file: self.file.to_owned(), written: self.written };
        self.names.entry(full.clone()).or_insert(name);
        full
    }

    fn file(&mut self, file: &FileDescriptorProto) {
        let package = file.package();
        file.message_type.iter().for_each(|message| self.message(package, message));
        file.enum_type.iter().for_each(|ty| self.enumeration(package, ty));
        file.extension.iter().for_each(|field| self.extension(package, field));
        for service in &file.service {
            self.add(package, service.name(), Kind::Other);
        }
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) {
        let full = self.add(scope, message.name(), Kind::Type);
        message.nested_type.iter().for_each(|nested| self.message(&full, nested));
        message.enum_type.iter().for_each(|ty| self.enumeration(&full, ty));
        message.extension.iter().for_each(|field| self.extension(&full, field));
    }

    fn enumeration(&mut self, scope: &str, ty: &EnumDescriptorProto) {
        self.add(scope, ty.name(), Kind::Type);
    }

    fn extension(&mut self, scope: &str, field: &FieldDescriptorProto) {
        let extendee = field.extendee().trim_start_matches('.').to_owned();
        self.add(scope, field.name(), Kind::Extension { extendee });
    }
}

pub(super) fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
