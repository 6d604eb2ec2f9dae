//! Numbers of fields and enum values: each belongs to one.

use std::collections::HashMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use crate::file::join;
use crate::report::Report;

const MESSAGE: i32 = 4;
const NESTED: i32 = 3;
const FIELD: i32 = 2;
const FIELD_NUMBER: i32 = 3;
const ENUM: i32 = 5;
const NESTED_ENUM: i32 = 4;
const VALUE: i32 = 2;
const VALUE_NUMBER: i32 = 2;

/// Reports numbers that are taken or reserved, and gives what has them others, so that the rest can be checked.
pub(super) fn check(report: &mut Report<'_>, index: usize, file: &mut FileDescriptorProto) {
    for (i, message) in numbered(&mut file.message_type) {
        check_message(report, index, &[MESSAGE, i], message);
    }
    for (i, ty) in numbered(&mut file.enum_type) {
        check_enum(report, index, &[ENUM, i], ty);
    }
}

/// The elements with their positions as descriptor paths have them.
pub(super) fn numbered<T>(elements: &mut [T]) -> impl Iterator<Item = (i32, &mut T)> {
    (0..).zip(elements)
}

fn check_message(report: &mut Report<'_>, index: usize, path: &[i32], message: &mut DescriptorProto) {
    let mut taken: HashMap<i32, String> = HashMap::new();
    let reserved: Vec<_> = message.reserved_range.iter().map(|range| range.start()..range.end()).collect();
    let is_reserved = |number: i32| reserved.iter().any(|range| range.contains(&number));
    let mut free = Free::above(message.field.iter().map(|field| field.number()));
    let name = message.name().to_owned();
    for (i, field) in numbered(&mut message.field) {
        let number = field.number();
        let other = taken.insert(number, field.name().to_owned());
        let (said, cause) = match &other {
            Some(other) => (
                format!("the number {number} is that of `{other}`"),
                "a field is known by its number, on the wire and in the database",
            ),
            None if is_reserved(number) => (
                format!("the number {number} is reserved in {name}"),
                "it belonged to a field that is no longer there, and stored values may have it",
            ),
            None => continue,
        };
        let next = free.next(is_reserved);
        let spot = report.files.number(index, &join(path, &[FIELD, i, FIELD_NUMBER]), &join(path, &[FIELD, i]));
        let help = format!("give `{}` a number that is free, for example {next}", field.name());
        report.error(&spot, said).because(cause).help(help);
        field.number = Some(next);
        if let Some(other) = other {
            taken.insert(number, other);
        }
    }
    for (i, nested) in numbered(&mut message.nested_type) {
        check_message(report, index, &join(path, &[NESTED, i]), nested);
    }
    for (i, ty) in numbered(&mut message.enum_type) {
        check_enum(report, index, &join(path, &[NESTED_ENUM, i]), ty);
    }
}

fn check_enum(report: &mut Report<'_>, index: usize, path: &[i32], ty: &mut EnumDescriptorProto) {
    let aliases = allows_aliases(ty);
    let mut taken: HashMap<i32, String> = HashMap::new();
    let reserved: Vec<_> = ty.reserved_range.iter().map(|range| range.start()..=range.end()).collect();
    let is_reserved = |number: i32| reserved.iter().any(|range| range.contains(&number));
    let mut free = Free::above(ty.value.iter().map(|value| value.number()));
    let name = ty.name().to_owned();
    for (i, value) in numbered(&mut ty.value) {
        let number = value.number();
        let other = taken.get(&number).cloned().filter(|_| !aliases);
        let next = free.peek(is_reserved);
        let (said, help) = match &other {
            Some(other) => (
                format!("the number {number} is that of `{other}`"),
                format!(
                    "give `{}` a number that is free, for example {next}; where both names mean the same, add \
                     option allow_alias = true; to the enum",
                    value.name()
                ),
            ),
            None if is_reserved(number) => (
                format!("the number {number} is reserved in {name}"),
                format!("give `{}` a number that is free, for example {next}", value.name()),
            ),
            None => {
                taken.insert(number, value.name().to_owned());
                continue;
            }
        };
        let spot = report.files.number(index, &join(path, &[VALUE, i, VALUE_NUMBER]), &join(path, &[VALUE, i]));
        report.error(&spot, said).because("a value is known by its number, on the wire and in the database").help(help);
        value.number = Some(free.next(is_reserved));
    }
}

fn allows_aliases(ty: &EnumDescriptorProto) -> bool {
    let Some(options) = &ty.options else { return false };
    let written = options.uninterpreted_option.iter().any(|option| {
        let named = matches!(option.name.as_slice(), [part] if !part.is_extension && part.name_part == "allow_alias");
        named && option.identifier_value() == "true"
    });
    options.allow_alias() || written
}

/// Hands out numbers above all others.
struct Free {
    highest: i32,
}

impl Free {
    fn above(used: impl Iterator<Item = i32>) -> Free {
        Free { highest: used.filter(|number| *number < i32::MAX).fold(0, i32::max) }
    }

    fn peek(&self, is_reserved: impl Fn(i32) -> bool) -> i32 {
        // Protobuf keeps some for itself.
        let usable = |number: &i32| !is_reserved(*number) && !(19_000..20_000).contains(number);
        (self.highest.saturating_add(1)..=i32::MAX).take(1 << 16).find(usable).unwrap_or(i32::MAX)
    }

    fn next(&mut self, is_reserved: impl Fn(i32) -> bool) -> i32 {
        self.highest = self.peek(is_reserved);
        self.highest
    }
}
