//! Writes descriptors as `.proto` files, which every compiler reads back as the same descriptors.

mod names;
mod options;

use std::fmt::Write as _;
use std::ops::Range;

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{FieldDescriptorProto, SourceCodeInfo, source_code_info::Location};
use prost_reflect::{
    DynamicMessage, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, OneofDescriptor, ServiceDescriptor, Syntax,
};

use self::names::Names;
use self::options::{Statement, statements};

/// Where a file says what syntax it has, and its package (`FileDescriptorProto`).
const SYNTAX: i32 = 12;
const PACKAGE: i32 = 2;
/// The last number that a field may have.
const LAST_NUMBER: u32 = (1 << 29) - 1;

/// The text of a file.
pub fn text(file: &FileDescriptor) -> String {
    let descriptor = file.file_descriptor_proto();
    let mut writer = Writer {
        out: String::new(),
        indent: 0,
        names: Names::of(file),
        comments: descriptor.source_code_info.as_ref(),
        is_proto2: file.syntax() == Syntax::Proto2,
    };
    writer.file(file);
    writer.out
}

struct Writer<'f> {
    out: String,
    indent: usize,
    names: Names,
    comments: Option<&'f SourceCodeInfo>,
    is_proto2: bool,
}

impl Writer<'_> {
    fn file(&mut self, file: &FileDescriptor) {
        let descriptor = file.file_descriptor_proto();
        self.above(&[SYNTAX]);
        self.line(if self.is_proto2 { "syntax = \"proto2\";" } else { "syntax = \"proto3\";" });
        if !file.package_name().is_empty() {
            self.blank();
            self.above(&[PACKAGE]);
            self.line(&format!("package {};", file.package_name()));
        }
        self.blank();
        for (position, import) in (0..).zip(&descriptor.dependency) {
            let public = if descriptor.public_dependency.contains(&position) { "public " } else { "" };
            self.line(&format!("import {public}\"{import}\";"));
        }
        self.blank();
        self.statements(&statements(&file.options(), &self.names));
        for message in file.messages() {
            self.blank();
            self.message(&message);
        }
        for item in file.enums() {
            self.blank();
            self.enumeration(&item);
        }
        self.extensions(&file.extensions().collect::<Vec<_>>());
        for service in file.services() {
            self.blank();
            self.service(&service);
        }
    }

    fn message(&mut self, message: &MessageDescriptor) {
        self.above(message.path());
        self.open(&format!("message {} {{", message.name()));
        self.body(message);
        self.close();
    }

    fn body(&mut self, message: &MessageDescriptor) {
        self.statements(&statements(&message.options(), &self.names));
        for item in message.child_enums() {
            self.enumeration(&item);
        }
        let mut nested = Nested::of(message);
        let mut written = Vec::new();
        for field in in_order(message.fields()) {
            match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                None => self.field_behind(&field, &mut nested),
                Some(oneof) if written.contains(&oneof.full_name().to_owned()) => {}
                Some(oneof) => {
                    written.push(oneof.full_name().to_owned());
                    self.oneof(&oneof);
                }
            }
        }
        nested.rest.iter().for_each(|inner| self.message(inner));
        self.ranges("extensions", message.extension_ranges());
        self.ranges("reserved", message.reserved_ranges());
        self.reserved_names(message.reserved_names());
        self.extensions(&message.child_extensions().collect::<Vec<_>>());
    }

    /// Writes a field behind the messages that stand before the one that it brings along: the entry of a map, a group.
    fn field_behind(&mut self, field: &FieldDescriptor, nested: &mut Nested) {
        if field.is_map() || field.is_group() {
            let brought = field.kind().as_message().and_then(|message| message.path().last().copied());
            nested.before(brought).iter().for_each(|inner| self.message(inner));
        }
        self.field(field, false);
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) {
        self.above(oneof.path());
        self.open(&format!("oneof {} {{", oneof.name()));
        self.statements(&statements(&oneof.options(), &self.names));
        in_order(oneof.fields()).iter().for_each(|field| self.field(field, true));
        self.close();
    }

    fn field(&mut self, field: &FieldDescriptor, in_oneof: bool) {
        self.above(field.path());
        let descriptor = field.field_descriptor_proto();
        let options = self.field_options(&field.options(), descriptor);
        if let (true, Kind::Message(group)) = (field.is_group(), field.kind()) {
            self.open(&format!(
                "{}group {} = {}{options} {{",
                self.label(descriptor, in_oneof),
                group.name(),
                field.number()
            ));
            self.body(&group);
            self.close();
            return;
        }
        let (kind, label) = match (field.is_map(), field.kind()) {
            (true, Kind::Message(entry)) => {
                let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
                (format!("map<{}, {}>", self.names.kind(&key), self.names.kind(&value)), "")
            }
            (_, kind) => (self.names.kind(&kind), self.label(descriptor, in_oneof)),
        };
        self.line(&format!("{label}{kind} {} = {}{options};", field.name(), field.number()));
        self.behind(field.path());
    }

    fn label(&self, field: &FieldDescriptorProto, in_oneof: bool) -> &'static str {
        match field.label() {
            _ if in_oneof => "",
            Label::Repeated => "repeated ",
            Label::Required => "required ",
            Label::Optional if self.is_proto2 || field.proto3_optional() => "optional ",
            Label::Optional => "",
        }
    }

    /// What stands in brackets behind a field.
    fn field_options(&self, options: &DynamicMessage, descriptor: &FieldDescriptorProto) -> String {
        let mut all = own_options(descriptor);
        all.extend(statements(options, &self.names).iter().map(|said| format!("{} = {}", said.name, said.value)));
        bracketed(&all, self.indent)
    }

    fn enumeration(&mut self, item: &EnumDescriptor) {
        self.above(item.path());
        self.open(&format!("enum {} {{", item.name()));
        self.statements(&statements(&item.options(), &self.names));
        for value in item.values() {
            self.above(value.path());
            let said = statements(&value.options(), &self.names);
            let said: Vec<String> = said.iter().map(|said| format!("{} = {}", said.name, said.value)).collect();
            self.line(&format!("{} = {}{};", value.name(), value.number(), bracketed(&said, self.indent)));
            self.behind(value.path());
        }
        let ranges: Vec<String> =
            item.reserved_ranges().map(|range| format!("{} to {}", range.start(), range.end())).collect();
        if !ranges.is_empty() {
            self.line(&format!("reserved {};", ranges.join(", ")));
        }
        self.reserved_names(item.reserved_names());
        self.close();
    }

    fn service(&mut self, service: &ServiceDescriptor) {
        self.above(service.path());
        self.open(&format!("service {} {{", service.name()));
        self.statements(&statements(&service.options(), &self.names));
        for method in service.methods() {
            self.method(&method);
        }
        self.close();
    }

    fn method(&mut self, method: &MethodDescriptor) {
        self.above(method.path());
        let side = |streams: bool, message: &MessageDescriptor| {
            format!("{}{}", if streams { "stream " } else { "" }, self.names.message(message))
        };
        let head = format!(
            "rpc {}({}) returns ({})",
            method.name(),
            side(method.is_client_streaming(), &method.input()),
            side(method.is_server_streaming(), &method.output())
        );
        let said = statements(&method.options(), &self.names);
        if said.is_empty() {
            self.line(&format!("{head};"));
        } else {
            self.open(&format!("{head} {{"));
            self.statements(&said);
            self.close();
        }
        self.behind(method.path());
    }

    /// Writes extensions as the file has them: those of one block together, under the comments of the block.
    fn extensions(&mut self, extensions: &[ExtensionDescriptor]) {
        let of_one_block = |one: &ExtensionDescriptor, next: &ExtensionDescriptor| {
            let (block, other) = (self.block(one), self.block(next));
            let extendee = |extension: &ExtensionDescriptor| extension.containing_message().full_name().to_owned();
            block.is_some_and(|block| other.is_some_and(|other| other.span == block.span))
                && extendee(one) == extendee(next)
        };
        let blocks: Vec<&[ExtensionDescriptor]> = extensions.chunk_by(of_one_block).collect();
        for block in blocks {
            self.blank();
            if let Some(place) = block.first().and_then(|first| self.block(first)).cloned() {
                self.leading(&place);
            }
            let extendee = block.first().map(|first| self.names.message(&first.containing_message()));
            self.open(&format!("extend {} {{", extendee.unwrap_or_default()));
            block.iter().for_each(|extension| self.extension(extension));
            self.close();
        }
    }

    fn extension(&mut self, extension: &ExtensionDescriptor) {
        self.above(extension.path());
        let descriptor = extension.field_descriptor_proto();
        let options = self.field_options(&extension.options(), descriptor);
        let (label, kind) = (self.label(descriptor, false), self.names.kind(&extension.kind()));
        self.line(&format!("{label}{kind} {} = {}{options};", extension.name(), extension.number()));
        self.behind(extension.path());
    }

    /// The block that an extension stands in. All blocks of a scope have one path, so it is found by its lines.
    fn block(&self, extension: &ExtensionDescriptor) -> Option<&Location> {
        let line = *self.place(extension.path())?.span.first()?;
        let (_, path) = extension.path().split_last()?;
        let holds = |place: &&Location| match place.span[..] {
            [first, _, last, _] => (first..=last).contains(&line),
            [first, ..] => first == line,
            [] => false,
        };
        self.comments?.location.iter().filter(|place| place.path == path).find(holds)
    }

    fn ranges(&mut self, what: &str, ranges: impl Iterator<Item = Range<u32>>) {
        let shown = |range: Range<u32>| match range.end - 1 {
            last if last == range.start => range.start.to_string(),
            LAST_NUMBER => format!("{} to max", range.start),
            last => format!("{} to {last}", range.start),
        };
        let ranges: Vec<String> = ranges.map(shown).collect();
        if !ranges.is_empty() {
            self.line(&format!("{what} {};", ranges.join(", ")));
        }
    }

    fn reserved_names<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        if !names.is_empty() {
            self.line(&format!("reserved {};", names.join(", ")));
        }
    }

    fn statements(&mut self, said: &[Statement]) {
        for Statement { name, value } in said {
            let value = value.replace('\n', &format!("\n{}", "  ".repeat(self.indent)));
            self.line(&format!("option {name} = {value};"));
        }
    }

    fn place(&self, path: &[i32]) -> Option<&Location> {
        self.comments?.location.iter().find(|place| place.path == path)
    }

    /// Writes the comments that stand above an element.
    fn above(&mut self, path: &[i32]) {
        if let Some(place) = self.place(path).cloned() {
            self.leading(&place);
        }
    }

    fn leading(&mut self, place: &Location) {
        for text in &place.leading_detached_comments {
            self.comment(text);
            self.blank();
        }
        self.comment(place.leading_comments());
    }

    /// Writes those that stand behind it.
    fn behind(&mut self, path: &[i32]) {
        let text = self.place(path).map(|place| place.trailing_comments().to_owned()).unwrap_or_default();
        if !text.trim().is_empty() {
            self.comment(&text);
            self.blank();
        }
    }

    fn comment(&mut self, text: &str) {
        if !text.trim().is_empty() {
            text.trim_end().lines().for_each(|line| self.line(format!("//{line}").trim_end()));
        }
    }

    fn open(&mut self, line: &str) {
        self.line(line);
        self.indent += 1;
    }

    fn close(&mut self) {
        self.indent -= 1;
        self.line("}");
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.out, "{}{line}", "  ".repeat(self.indent));
    }

    fn blank(&mut self) {
        if !self.out.ends_with("\n\n") && !self.out.ends_with("{\n") {
            self.out.push('\n');
        }
    }
}

/// Fields as the file has them.
fn in_order(fields: impl Iterator<Item = FieldDescriptor>) -> Vec<FieldDescriptor> {
    let mut fields: Vec<FieldDescriptor> = fields.collect();
    fields.sort_by_key(|field| field.path().last().copied());
    fields
}

/// The messages inside a message that are not written yet. Their order is kept, and what a field brings along has its place in it.
struct Nested {
    rest: Vec<MessageDescriptor>,
}

impl Nested {
    fn of(message: &MessageDescriptor) -> Nested {
        let groups = message.fields().filter(FieldDescriptor::is_group);
        let groups: Vec<String> =
            groups.filter_map(|field| Some(field.kind().as_message()?.full_name().to_owned())).collect();
        let is_own =
            |inner: &MessageDescriptor| !inner.is_map_entry() && !groups.contains(&inner.full_name().to_owned());
        Nested { rest: message.child_messages().filter(is_own).collect() }
    }

    /// Takes those that stand before this position.
    fn before(&mut self, position: Option<i32>) -> Vec<MessageDescriptor> {
        let (before, rest) =
            std::mem::take(&mut self.rest).into_iter().partition(|inner| inner.path().last().copied() < position);
        self.rest = rest;
        before
    }
}

/// What a field's descriptor says itself, and a text says among the options.
fn own_options(field: &FieldDescriptorProto) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(default) = &field.default_value {
        let value = match field.r#type() {
            Type::String => options::quoted(default.as_bytes()),
            // It is escaped already.
            Type::Bytes => format!("\"{default}\""),
            _ => default.clone(),
        };
        said.push(format!("default = {value}"));
    }
    if let Some(name) = field.json_name.as_deref().filter(|name| *name != names::json_name(field.name())) {
        said.push(format!("json_name = {}", options::quoted(name.as_bytes())));
    }
    said
}

/// Options of a field: on its line where they are short.
fn bracketed(said: &[String], indent: usize) -> String {
    const SHORT: usize = 80;
    let pad = "  ".repeat(indent + 1);
    match said.iter().map(String::len).sum::<usize>() {
        0 => String::new(),
        length if length <= SHORT && !said.iter().any(|one| one.contains('\n')) => format!(" [{}]", said.join(", ")),
        _ => {
            let lines: Vec<String> =
                said.iter().map(|one| format!("{pad}{}", one.replace('\n', &format!("\n{pad}")))).collect();
            format!(" [\n{}\n{}]", lines.join(",\n"), "  ".repeat(indent))
        }
    }
}
