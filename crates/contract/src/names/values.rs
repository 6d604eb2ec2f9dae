//! The values of options against their types.

use std::collections::HashSet;

use mainstay_expr::{nearest, suggest};
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use crate::capabilities::{self, is_implemented};
use crate::file::Spot;
use crate::options::generic;
use crate::report::Report;
use crate::text::{Content, Entry, Node};

/// An option, or a part of one.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As it is written: `(mainstay.v1.resource).access`.
    pub written: String,
    /// What the capability table calls it.
    row: String,
    kind: Kind,
    list: bool,
    map: bool,
}

impl Target {
    pub(super) fn of_extension(extension: &ExtensionDescriptor) -> Target {
        let written = format!("({})", extension.full_name());
        let (list, map) = (extension.is_list(), extension.is_map());
        Target { row: written.clone(), written, kind: extension.kind(), list, map }
    }

    pub(super) fn of_field(outer: Option<&Target>, field: &FieldDescriptor) -> Target {
        let (list, map) = (field.is_list(), field.is_map());
        let (written, row) = match outer {
            Some(outer) => (format!("{}.{}", outer.written, field.name()), row(&outer.row, field.name())),
            None => (field.name().to_owned(), field.name().to_owned()),
        };
        Target { written, row, kind: field.kind(), list, map }
    }

    /// The message whose parts can be named further.
    pub(super) fn message(&self) -> Option<MessageDescriptor> {
        self.kind.as_message().filter(|_| !self.list && !self.map).cloned()
    }

    /// What its value is, for a message.
    pub(super) fn what(&self) -> String {
        match &self.kind {
            Kind::Double | Kind::Float => "a number".into(),
            Kind::Bool => "either true or false".into(),
            Kind::String | Kind::Bytes => "a text".into(),
            Kind::Message(_) => "made of parts".into(),
            Kind::Enum(ty) => format!("a value of {}", ty.full_name()),
            _ => "a whole number".into(),
        }
    }
}

/// The row of the capability table for a part; constraints on elements are those on fields.
pub(crate) fn row(outer: &str, name: &str) -> String {
    let row = format!("{outer}.{}", generic(outer, name));
    if capabilities::is_of_elements(&row) { "(buf.validate.field)".to_owned() } else { row }
}

/// What to write instead of a part that is not there: of those that this version does.
pub(super) fn listed_parts(outer: &Target, message: &MessageDescriptor, written: &str) -> Option<String> {
    let names: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
    let done = names.iter().map(String::as_str).filter(|name| is_implemented(&row(&outer.row, name)));
    suggest(written, done, "its parts are")
}

pub(super) struct Values<'a, 'f> {
    pub report: &'a mut Report<'f>,
    pub file: usize,
    /// Between braces, where text format has more ways to write a value than a statement has.
    pub braces: bool,
}

impl Values<'_, '_> {
    fn spot(&self, range: &std::ops::Range<usize>) -> Spot {
        Spot { file: self.file, range: range.clone() }
    }

    fn refuse(&mut self, range: &std::ops::Range<usize>, message: String, help: Option<String>) {
        let spot = self.spot(range);
        let draft = self.report.error(&spot, message);
        if let Some(help) = help {
            draft.help(help);
        }
    }

    /// Checks the value of an option or of a part of one.
    pub(super) fn check(&mut self, target: &Target, node: &Node) {
        match &node.content {
            Content::List(items) if target.list || target.map => {
                items.iter().for_each(|item| self.one(target, item));
            }
            Content::List(_) => {
                let message = format!("`{}` has one value, not a list", target.written);
                self.refuse(&node.range, message, Some("write one value without [ ]".into()));
            }
            _ => self.one(target, node),
        }
    }

    fn one(&mut self, target: &Target, node: &Node) {
        let text = self.report.files.text(self.file).get(node.range.clone()).unwrap_or_default().to_owned();
        match (&target.kind, &node.content) {
            (Kind::Message(message), Content::Message(entries)) => self.message(target, message, entries),
            (Kind::Message(message), _) => {
                let first = message.fields().find(|field| is_implemented(&row(&target.row, field.name())));
                let first = first.map_or_else(|| "…".to_owned(), |field| field.name().to_owned());
                let help = format!("write it as {{{first}: …}}");
                self.refuse(&node.range, format!("`{}` is made of parts", target.written), Some(help));
            }
            (_, Content::Message(_) | Content::List(_)) => {
                self.refuse(&node.range, format!("`{}` is {}", target.written, target.what()), None);
            }
            (kind, content) => {
                let scalar = Scalar { text: &text, quoted: *content == Content::Literal, braces: self.braces };
                if let Some((message, help)) = scalar.refused(target, kind) {
                    self.refuse(&node.range, message, help);
                }
            }
        }
    }

    fn message(&mut self, target: &Target, message: &MessageDescriptor, entries: &[Entry]) {
        if message.full_name() == "google.protobuf.Any" {
            return;
        }
        self.braces = true;
        let mut seen = HashSet::new();
        let mut chosen: HashSet<String> = HashSet::new();
        for entry in entries {
            // Extensions inside options are left to the compiler.
            if entry.extension {
                continue;
            }
            let Some(field) = message.get_field_by_name(&entry.name) else {
                let help = listed_parts(target, message, &entry.name);
                self.refuse(&entry.at, format!("`{}` has no part `{}`", target.written, entry.name), help);
                continue;
            };
            let once = !field.is_list() && !field.is_map();
            if once && !seen.insert(entry.name.clone()) {
                let message = format!("`{}` stands twice", entry.name);
                self.refuse(&entry.at, message, Some("remove one of the two".into()));
                continue;
            }
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            if let Some(oneof) = oneof
                && !chosen.insert(oneof.full_name().to_owned())
            {
                let others: Vec<String> = oneof.fields().map(|field| field.name().to_owned()).collect();
                let before = entries.iter().map(|entry| &entry.name).find(|name| others.contains(name));
                let before = before.map_or("another", String::as_str);
                let message = format!("`{}` cannot stand beside `{before}`", entry.name);
                self.refuse(&entry.at, message, Some("remove one of the two".into()));
                continue;
            }
            self.check(&Target::of_field(Some(target), &field), &entry.value);
        }
    }
}

/// A number, a name or a string, as it is written.
struct Scalar<'t> {
    text: &'t str,
    quoted: bool,
    braces: bool,
}

impl Scalar<'_> {
    fn fits(&self, kind: &Kind) -> bool {
        let Scalar { text, quoted, braces } = *self;
        match kind {
            Kind::String | Kind::Bytes => quoted,
            _ if quoted => false,
            Kind::Bool => {
                matches!(text, "true" | "false") || (braces && matches!(text, "True" | "False" | "t" | "f" | "0" | "1"))
            }
            Kind::Enum(ty) => ty.get_value_by_name(text).is_some() || (braces && is_whole(text)),
            Kind::Double | Kind::Float => is_number(text) || is_beyond(text),
            Kind::Message(_) => true,
            _ => is_whole(text),
        }
    }

    /// What is wrong, and what to write; nothing where it fits.
    fn refused(&self, target: &Target, kind: &Kind) -> Option<(String, Option<String>)> {
        if self.fits(kind) {
            return None;
        }
        let shown = if self.text.len() > 60 { "this" } else { self.text };
        let message = match kind {
            Kind::Enum(ty) if !self.quoted => format!("{} has no value `{shown}`", ty.full_name()),
            _ => format!("`{}` is {}, not `{shown}`", target.written, target.what()),
        };
        Some((message, self.instead(target, kind)))
    }

    fn instead(&self, target: &Target, kind: &Kind) -> Option<String> {
        let inside = self.text.trim_matches(['"', '\'']);
        match kind {
            Kind::String | Kind::Bytes => Some(format!("write it in quotes: \"{inside}\"")),
            Kind::Bool => {
                let near = nearest(inside, ["true", "false"]);
                Some(near.map_or_else(|| "write true or false".to_owned(), |value| format!("write {value}")))
            }
            Kind::Enum(ty) if self.quoted && ty.get_value_by_name(inside).is_some() => {
                Some(format!("write {inside} without quotes"))
            }
            Kind::Enum(ty) => {
                let values: Vec<String> = ty.values().map(|value| value.name().to_owned()).collect();
                let done = |value: &&str| is_implemented(&format!("{} = {value}", target.row));
                suggest(inside, values.iter().map(String::as_str).filter(done), "its values are")
            }
            _ if self.quoted && is_number(inside) => Some(format!("write {inside} without quotes")),
            Kind::Double | Kind::Float => Some("write a number, such as 1.5".to_owned()),
            _ => Some("write a whole number, such as 3".to_owned()),
        }
    }
}

/// Infinities and what is no number; only then do letters stand for one.
fn is_beyond(text: &str) -> bool {
    let name = text.strip_prefix('-').unwrap_or(text);
    ["inf", "infinity", "nan"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let hex = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    match hex {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_number(text: &str) -> bool {
    let text = text.strip_suffix(['f', 'F']).unwrap_or(text);
    is_whole(text) || (text.parse::<f64>().is_ok() && text.bytes().any(|byte| byte.is_ascii_digit()))
}
