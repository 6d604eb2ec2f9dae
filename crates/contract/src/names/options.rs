//! Option statements: whether the options, their parts and their values exist.

use mainstay_expr::{nearest, suggest};
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, UninterpretedOption,
};

use super::Scope;
use super::known::{Found, Kind, join as full_name};
use super::numbers::numbered;
use super::values::{Target, Values, listed_parts};
use crate::capabilities::is_implemented;
use crate::embedded;
use crate::file::{Spot, join, tag};
use crate::options::PREDEFINED;
use crate::report::Report;
use crate::text::{Part, Statement};

/// Reports what is wrong with the options of a file, and takes those statements out.
pub(super) fn check(report: &mut Report<'_>, scope: &mut Scope<'_>, file: &mut FileDescriptorProto) {
    let package = file.package().to_owned();
    let mut options = Options { report, scope, pool: embedded::pool() };
    if let Some(found) = &mut file.options {
        options.element("FileOptions", &package, &[], tag::FILE_OPTIONS, &mut found.uninterpreted_option);
    }
    for (i, message) in numbered(&mut file.message_type) {
        options.message(&package, &[4, i], message);
    }
    for (i, ty) in numbered(&mut file.enum_type) {
        options.enumeration(&package, &[5, i], ty);
    }
    for (i, field) in numbered(&mut file.extension) {
        options.field(&package, &[7, i], field);
    }
    for (i, service) in numbered(&mut file.service) {
        let within = full_name(&package, service.name());
        if let Some(found) = &mut service.options {
            let statements = &mut found.uninterpreted_option;
            options.element("ServiceOptions", &within, &[6, i], tag::SERVICE_OPTIONS, statements);
        }
        for (j, method) in numbered(&mut service.method) {
            if let Some(found) = &mut method.options {
                let statements = &mut found.uninterpreted_option;
                options.element("MethodOptions", &within, &[6, i, 2, j], tag::METHOD_OPTIONS, statements);
            }
        }
    }
}

struct Options<'a, 'f, 'k> {
    report: &'a mut Report<'f>,
    scope: &'a mut Scope<'k>,
    pool: DescriptorPool,
}

impl Options<'_, '_, '_> {
    fn message(&mut self, package: &str, path: &[i32], message: &mut DescriptorProto) {
        let within = full_name(package, message.name());
        if let Some(found) = &mut message.options {
            self.element("MessageOptions", &within, path, tag::MESSAGE_OPTIONS, &mut found.uninterpreted_option);
        }
        for (i, field) in numbered(&mut message.field) {
            self.field(&within, &join(path, &[2, i]), field);
        }
        for (i, oneof) in numbered(&mut message.oneof_decl) {
            if let Some(found) = &mut oneof.options {
                let at = join(path, &[8, i]);
                self.element("OneofOptions", &within, &at, tag::ONEOF_OPTIONS, &mut found.uninterpreted_option);
            }
        }
        for (i, ty) in numbered(&mut message.enum_type) {
            self.enumeration(&within, &join(path, &[4, i]), ty);
        }
        for (i, nested) in numbered(&mut message.nested_type) {
            self.message(&within, &join(path, &[3, i]), nested);
        }
        for (i, field) in numbered(&mut message.extension) {
            self.field(&within, &join(path, &[6, i]), field);
        }
    }

    fn enumeration(&mut self, scope: &str, path: &[i32], ty: &mut EnumDescriptorProto) {
        let within = full_name(scope, ty.name());
        if let Some(found) = &mut ty.options {
            self.element("EnumOptions", &within, path, tag::ENUM_OPTIONS, &mut found.uninterpreted_option);
        }
        for (i, value) in numbered(&mut ty.value) {
            if let Some(found) = &mut value.options {
                let at = join(path, &[2, i]);
                let statements = &mut found.uninterpreted_option;
                self.element("EnumValueOptions", &within, &at, tag::ENUM_VALUE_OPTIONS, statements);
            }
        }
    }

    fn field(&mut self, within: &str, path: &[i32], field: &mut FieldDescriptorProto) {
        if let Some(found) = &mut field.options {
            self.element("FieldOptions", within, path, tag::FIELD_OPTIONS, &mut found.uninterpreted_option);
        }
    }

    /// Checks the statements on one element; those that are not good are taken out.
    fn element(
        &mut self,
        options: &str,
        within: &str,
        path: &[i32],
        tag: i32,
        statements: &mut Vec<UninterpretedOption>,
    ) {
        let files = self.report.files;
        let file = &files.all[self.scope.index];
        let Some(options) = self.pool.get_message_by_name(&format!("google.protobuf.{options}")) else { return };
        let mut i = 0;
        statements.retain(|_| {
            let span = file.span(&join(path, &[tag, tag::UNINTERPRETED_OPTION, i]));
            i += 1;
            let statement = span.and_then(|span| Statement::read(&file.source.text, span));
            statement.is_none_or(|statement| self.statement(&options, within, &statement))
        });
    }

    /// Whether a statement is good.
    fn statement(&mut self, options: &MessageDescriptor, within: &str, statement: &Statement) -> bool {
        let before = self.report.errors();
        for malformed in &statement.malformed {
            let spot = self.spot(&malformed.at);
            self.report.error(&spot, &malformed.message).help(&malformed.help);
        }
        let Some(target) = self.target(options, within, &statement.parts) else { return false };
        // An option of the contract's own is left to the compiler.
        if let Some(target) = target {
            let mut values = Values { report: self.report, file: self.scope.index, braces: false };
            values.check(&target, &statement.value);
        }
        self.report.errors() == before
    }

    fn spot(&self, range: &std::ops::Range<usize>) -> Spot {
        Spot { file: self.scope.index, range: range.clone() }
    }

    /// What the name of a statement leads to. Nothing where it leads nowhere, which is told; nothing inside where it leads
    /// to an option that is not known here.
    fn target(&mut self, options: &MessageDescriptor, within: &str, parts: &[Part]) -> Option<Option<Target>> {
        let mut message = options.clone();
        let mut found: Option<Target> = None;
        for part in parts {
            if let Some(outer) = &found {
                let Some(inner) = outer.message() else {
                    let spot = self.spot(&part.at);
                    self.report
                        .error(&spot, format!("`{}` has no parts", outer.written))
                        .because(format!("it is {}", outer.what()))
                        .help(format!("write `{} = …`", outer.written));
                    return None;
                };
                message = inner;
            }
            let next = match &found {
                _ if part.extension => self.extension(&message, within, part)?,
                Some(outer) => Some(self.part(&message, outer, part)?),
                None => Some(self.plain(&message, parts)?),
            };
            let Some(next) = next else { return Some(None) };
            found = Some(next);
        }
        Some(found)
    }

    /// An option of protobuf's own, such as `deprecated`.
    fn plain(&mut self, message: &MessageDescriptor, parts: &[Part]) -> Option<Target> {
        let part = parts.first()?;
        if let Some(field) = message.get_field_by_name(&part.name) {
            return Some(Target::of_field(None, &field));
        }
        let spot = Spot { file: self.scope.index, range: part.at.start..parts.last()?.at.end };
        let whole = join_names(parts);
        let extensions = if self.report.is_shown() { self.extensions(message) } else { Vec::new() };
        let own = message.fields().filter(|field| field.name() != "uninterpreted_option");
        let own: Vec<String> = own.map(|field| field.name().to_owned()).collect();
        // Brackets are easily forgotten, and what comes after them may belong to the value.
        let longest = extensions.iter().filter(|name| whole.starts_with(name.as_str())).max_by_key(|name| name.len());
        let (spot, said, help) = match (longest, nearest(&part.name, own.iter().map(String::as_str))) {
            (Some(name), _) => (
                spot,
                format!("`{name}` stands without brackets"),
                Some(format!("write `({name}){}`", &whole[name.len()..])),
            ),
            (None, Some(near)) => (
                self.spot(&part.at),
                format!("there is no option `{}`", part.name),
                Some(format!("did you mean `{near}`?")),
            ),
            (None, None) => {
                let begun = (1..=parts.len()).rev().map(|length| join_names(&parts[..length]));
                let near = begun.into_iter().find_map(|begun| nearest(&begun, extensions.iter().map(String::as_str)));
                let help = match near {
                    Some(near) => Some(format!("did you mean `({near})`?")),
                    None => self.suggested(&format!("({whole})"), message),
                };
                (spot, format!("there is no option `{whole}`"), help)
            }
        };
        self.refuse(&spot, said, help);
        None
    }

    fn part(&mut self, message: &MessageDescriptor, outer: &Target, part: &Part) -> Option<Target> {
        if let Some(field) = message.get_field_by_name(&part.name) {
            return Some(Target::of_field(Some(outer), &field));
        }
        let spot = self.spot(&part.at);
        let help = listed_parts(outer, message, &part.name);
        self.refuse(&spot, format!("`{}` has no part `{}`", outer.written, part.name), help);
        None
    }

    fn refuse(&mut self, spot: &Spot, message: String, help: Option<String>) {
        let draft = self.report.error(spot, message);
        if let Some(help) = help {
            draft.help(help);
        }
    }

    /// What to write instead of an option that an element does not have.
    fn suggested(&self, written: &str, of: &MessageDescriptor) -> Option<String> {
        if !self.report.is_shown() {
            return None;
        }
        let names: Vec<String> = self.extensions(of).iter().map(|name| format!("({name})")).collect();
        suggest(written, names.iter().map(String::as_str), "there are")
    }

    /// The full names of the options of an element, those that are not supported yet left out.
    fn extensions(&self, of: &MessageDescriptor) -> Vec<String> {
        let fits = |kind: &Kind| matches!(kind, Kind::Extension { extendee } if extendee == of.full_name());
        let named = self.scope.known.names.iter().filter(|(_, found)| fits(&found.kind));
        // That one is of no field of a message.
        let named = named.filter(|(name, _)| *name != PREDEFINED && is_implemented(&format!("({name})")));
        let mut names: Vec<String> = named.map(|(name, _)| name.clone()).collect();
        // Mainstay's own first, then the standard ones.
        names.sort_by_key(|name| (!name.starts_with("mainstay."), !name.starts_with("google.api."), name.clone()));
        names
    }

    fn extension(&mut self, of: &MessageDescriptor, within: &str, part: &Part) -> Option<Option<Target>> {
        let spot = self.spot(&part.at);
        let is_extension = |kind: &Kind| matches!(kind, Kind::Extension { .. });
        let known = self.scope.known;
        let (full, found) = match known.find(within, &part.name, is_extension, |file| self.scope.sees(file)) {
            Found::Visible(full, found) => (full, found),
            Found::NotImported(full, found) => {
                self.scope.miss(&found.file, full, &spot, true);
                return None;
            }
            Found::Unknown if self.scope.visible.is_none() => return None,
            Found::Unknown => {
                let written = format!("({})", part.name);
                let help = self.suggested(&written, of);
                self.refuse(&spot, format!("there is no option `{written}`"), help);
                return None;
            }
        };
        if found.written {
            return Some(None);
        }
        let Some(extension) = self.pool.get_extension_by_name(full) else { return Some(None) };
        let extendee = extension.containing_message();
        if extendee != *of {
            let (here, there) = (place(of.name()), place(extendee.name()));
            let help = self.suggested(&format!("({full})"), of);
            let draft = self
                .report
                .error(&spot, format!("`({full})` is no option of {here}"))
                .because(format!("it is an option of {there}"));
            if let Some(help) = help {
                draft.help(help);
            }
            return None;
        }
        Some(Some(Target::of_extension(&extension)))
    }
}

fn join_names(parts: &[Part]) -> String {
    parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(".")
}

/// What options of a type stand on: `FieldOptions` on fields.
fn place(options: &str) -> &'static str {
    match options {
        "FileOptions" => "files",
        "MessageOptions" => "messages",
        "FieldOptions" => "fields",
        "OneofOptions" => "oneofs",
        "EnumOptions" => "enums",
        "EnumValueOptions" => "enum values",
        "ServiceOptions" => "services",
        "MethodOptions" => "methods",
        _ => "other things",
    }
}
