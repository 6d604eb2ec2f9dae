//! The types that fields and methods name.

use std::collections::HashMap;

use mainstay_expr::nearest;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::Scope;
use super::known::{Found, Kind, join as full_name};
use super::numbers::numbered;
use crate::file::{Spot, join};
use crate::report::Report;

const MESSAGE: i32 = 4;
const NESTED: i32 = 3;
const FIELD: i32 = 2;
const SERVICE: i32 = 6;
const METHOD: i32 = 2;
const METHOD_INPUT: i32 = 2;
const METHOD_OUTPUT: i32 = 3;

const SCALARS: [&str; 15] = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
    "sfixed64", "bool", "string", "bytes",
];

/// A contract of more types is not searched for the nearest name.
const MAX_COMPARED: usize = 2_000;

/// What other languages call the types of protobuf.
const ELSEWHERE: [(&str, &str); 28] = [
    ("int", "int32"),
    ("integer", "int32"),
    ("i32", "int32"),
    ("short", "int32"),
    ("byte", "uint32"),
    ("i64", "int64"),
    ("long", "int64"),
    ("bigint", "int64"),
    ("uint", "uint32"),
    ("u32", "uint32"),
    ("u64", "uint64"),
    ("number", "double"),
    ("float64", "double"),
    ("f64", "double"),
    ("real", "double"),
    ("float32", "float"),
    ("boolean", "bool"),
    ("text", "string"),
    ("str", "string"),
    ("varchar", "string"),
    ("char", "string"),
    ("uuid", "string"),
    ("blob", "bytes"),
    ("binary", "bytes"),
    ("datetime", "google.protobuf.Timestamp"),
    ("time", "google.protobuf.Timestamp"),
    ("json", "google.protobuf.Struct"),
    ("object", "google.protobuf.Struct"),
];

/// Fields of unknown types become strings and are noted in the report. Says whether nothing else is unknown.
pub(super) fn check(report: &mut Report<'_>, scope: &mut Scope<'_>, file: &mut FileDescriptorProto) -> bool {
    let package = file.package().to_owned();
    let mut types = Types { report, scope, file: file.name().to_owned() };
    for (i, message) in numbered(&mut file.message_type) {
        types.message(&full_name(&package, message.name()), &[MESSAGE, i], message);
    }
    // What stands for a type that is not known; nothing is made of the file then.
    let stand_in = file.message_type.first().map(|message| format!(".{}", full_name(&package, message.name())));
    let mut sound = true;
    for (i, service) in numbered(&mut file.service) {
        let within = full_name(&package, service.name());
        for (j, method) in numbered(&mut service.method) {
            for (number, ty) in [(METHOD_INPUT, &mut method.input_type), (METHOD_OUTPUT, &mut method.output_type)] {
                let path = [SERVICE, i, METHOD, j, number];
                let name = ty.clone().unwrap_or_default();
                if !types.is_known(&within, &name, |types| types.report.element(&types.file, &path)) {
                    sound = false;
                    ty.clone_from(&stand_in);
                }
            }
        }
    }
    if stand_in.is_none() && !sound {
        file.service.clear();
    }
    sound
}

struct Types<'a, 'f, 'k> {
    report: &'a mut Report<'f>,
    scope: &'a mut Scope<'k>,
    file: String,
}

impl Types<'_, '_, '_> {
    fn message(&mut self, full: &str, path: &[i32], message: &mut DescriptorProto) {
        for (i, field) in numbered(&mut message.field) {
            let at = join(path, &[FIELD, i]);
            let name = field.name().to_owned();
            self.field(full, &at, &name, field);
        }
        // The value of a map is written in the map's field.
        let has_maps = message.nested_type.iter().any(is_map_entry);
        let fields = (0..).zip(&message.field).filter(|_| has_maps);
        let owners: HashMap<String, (i32, String)> =
            fields.map(|(i, field)| (last(field.type_name()).to_owned(), (i, field.name().to_owned()))).collect();
        for (j, nested) in numbered(&mut message.nested_type) {
            let owner = owners.get(nested.name()).filter(|_| is_map_entry(nested));
            if let Some((owner, name)) = owner {
                let at = join(path, &[FIELD, *owner]);
                nested.field.iter_mut().for_each(|field| self.field(full, &at, name, field));
            } else {
                self.message(&full_name(full, nested.name()), &join(path, &[NESTED, j]), nested);
            }
        }
    }

    /// Looks a field's type up; `path` and `name` are of the field that the type is written in.
    fn field(&mut self, within: &str, path: &[i32], name: &str, field: &mut FieldDescriptorProto) {
        let Some(type_name) = field.type_name.clone().filter(|_| field.r#type.is_none()) else { return };
        if self.is_known(within, &type_name, |types| types.report.field_type(&types.file, path)) {
            return;
        }
        field.type_name = None;
        field.set_type(Type::String);
        self.report.undefined_words.extend(type_name.split('.').chain([name]).map(str::to_owned));
        self.report.undefined.insert(format!("{within}.{name}"));
    }

    fn is_known(&mut self, within: &str, name: &str, spot: impl FnOnce(&Self) -> Spot) -> bool {
        let known = self.scope.known;
        match known.find(within, name, |kind| *kind == Kind::Type, |file| self.scope.sees(file)) {
            Found::Visible(..) => return true,
            Found::NotImported(full, found) => {
                let spot = self.word(spot(self), name);
                self.scope.miss(&found.file, full, &spot, false);
            }
            // What an import that leads nowhere would have brought is not guessed at.
            Found::Unknown if self.scope.visible.is_none() => {}
            Found::Unknown => {
                let spot = self.word(spot(self), name);
                let meant = if self.report.is_shown() { self.meant(within, name) } else { None };
                let help = meant.unwrap_or_else(|| {
                    "declare a message or an enum of that name, or import the file that does".to_owned()
                });
                self.report.error(&spot, format!("there is no type `{name}`")).help(help);
            }
        }
        false
    }

    /// The name within the place of a type, which for a map is that of the whole map.
    fn word(&self, spot: Spot, name: &str) -> Spot {
        let text = self.report.files.text(spot.file).get(spot.range.clone()).unwrap_or_default();
        match text.rfind(name) {
            Some(at) => {
                let start = spot.range.start + at;
                Spot { range: start..start + name.len(), ..spot }
            }
            None => spot,
        }
    }

    /// The type that was meant: what another language calls so, one with the same last name, or the nearest.
    fn meant(&self, within: &str, name: &str) -> Option<String> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, meant)) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == lower) {
            return Some(self.offer(meant, meant));
        }
        let types = &self.scope.known.types;
        let package: Vec<&str> = within.split('.').collect();
        // The nearer in the same package the better.
        let shared = |full: &str| full.split('.').zip(&package).take_while(|(a, b)| a == *b).count();
        let same = types.iter().filter(|full| last(full).eq_ignore_ascii_case(last(name)));
        if let Some(same) = same.max_by_key(|full| shared(full)) {
            return Some(self.offer(same, &relative(same, within)));
        }
        if let Some(scalar) = nearest(name, SCALARS) {
            return Some(self.offer(scalar, scalar));
        }
        if types.len() > MAX_COMPARED {
            return None;
        }
        let shown: Vec<String> = types.iter().map(|full| relative(full, within)).collect();
        let near = nearest(name, shown.iter().map(String::as_str));
        let position = near.and_then(|near| shown.iter().position(|shown| shown == near)).or_else(|| {
            let near = nearest(last(name), types.iter().map(|full| last(full)))?;
            (0..types.len()).filter(|i| last(&types[*i]) == near).max_by_key(|i| shared(&types[*i]))
        })?;
        Some(self.offer(&types[position], &shown[position]))
    }

    fn offer(&self, full: &str, shown: &str) -> String {
        let import = self.scope.known.names.get(full).filter(|found| !self.scope.sees(&found.file));
        match import {
            Some(found) => format!("did you mean `{shown}`? It needs import \"{}\";", found.file),
            None => format!("did you mean `{shown}`?"),
        }
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

/// `Timestamp` of `google.protobuf.Timestamp`.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The shortest way to name a type from within a message.
fn relative(full: &str, within: &str) -> String {
    let mut scope = within;
    while !scope.is_empty() {
        if let Some(rest) = full.strip_prefix(scope).and_then(|rest| rest.strip_prefix('.')) {
            return rest.to_owned();
        }
        scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
    full.to_owned()
}
