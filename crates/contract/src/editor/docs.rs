//! The comments of the files that Mainstay has in itself.

use std::collections::HashMap;
use std::sync::OnceLock;

use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};
use protox::file::File;

use crate::comments::Comments;
use crate::file::join;

/// The comment above, or else behind, what is declared under a full name; empty without one.
pub(super) fn of(full_name: &str) -> &'static str {
    static DOCS: OnceLock<HashMap<String, String>> = OnceLock::new();
    let docs = DOCS.get_or_init(|| {
        let mut docs = HashMap::new();
        for (path, text) in mainstay_proto::SOURCES {
            // Those that do not parse would not be embedded: a test compiles them.
            if let Ok(file) = File::from_source(path, text) {
                read(file.file_descriptor_proto(), &mut docs);
            }
        }
        docs
    });
    docs.get(full_name).map_or("", String::as_str)
}

fn read(file: &FileDescriptorProto, docs: &mut HashMap<String, String>) {
    let comments = Comments::of(file.source_code_info.as_ref().unwrap_or(&prost_types::SourceCodeInfo::default()));
    let mut collect = Collect { comments, docs };
    for (i, message) in (0..).zip(&file.message_type) {
        collect.message(file.package(), &[4, i], message);
    }
    for (i, ty) in (0..).zip(&file.enum_type) {
        collect.enumeration(file.package(), &[5, i], ty);
    }
    for (i, field) in (0..).zip(&file.extension) {
        collect.field(file.package(), &[7, i], field);
    }
}

struct Collect<'a> {
    comments: Comments,
    docs: &'a mut HashMap<String, String>,
}

impl Collect<'_> {
    fn keep(&mut self, scope: &str, name: &str, path: &[i32]) -> String {
        let full = format!("{scope}.{name}");
        let doc = self.comments.beside(path);
        if !doc.is_empty() {
            self.docs.insert(full.clone(), doc);
        }
        full
    }

    fn field(&mut self, scope: &str, path: &[i32], field: &FieldDescriptorProto) {
        self.keep(scope, field.name(), path);
    }

    fn message(&mut self, scope: &str, path: &[i32], message: &DescriptorProto) {
        let full = self.keep(scope, message.name(), path);
        for (i, field) in (0..).zip(&message.field) {
            self.field(&full, &join(path, &[2, i]), field);
        }
        for (i, nested) in (0..).zip(&message.nested_type) {
            self.message(&full, &join(path, &[3, i]), nested);
        }
        for (i, ty) in (0..).zip(&message.enum_type) {
            self.enumeration(&full, &join(path, &[4, i]), ty);
        }
    }

    /// Values are named beside their enum.
    fn enumeration(&mut self, scope: &str, path: &[i32], ty: &EnumDescriptorProto) {
        self.keep(scope, ty.name(), path);
        for (i, value) in (0..).zip(&ty.value) {
            self.keep(scope, value.name(), &join(path, &[2, i]));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_option_of_mainstay_says_what_it_is_for() {
        for name in ["mainstay.v1.resource", "mainstay.v1.field", "mainstay.v1.ResourceOptions.access"] {
            assert!(!super::of(name).is_empty(), "{name}");
        }
        assert_eq!(super::of("there.is.no.such"), "");
    }
}
