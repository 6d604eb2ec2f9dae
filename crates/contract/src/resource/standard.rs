//! Fields with a meaning of their own wherever they are declared (AIP-122, 148, 154).

use mainstay_expr::{Storage, Type};
use mainstay_record::Layout;
use prost_reflect::{FieldDescriptor, Kind as ProtoKind, Syntax};

use crate::annotations::FieldOptions;
use crate::capabilities;
use crate::file::Spot;
use crate::model::FieldModel;
use crate::report::Report;
use crate::resource::built::Built;
use crate::resource::constraints::Constraints;
use crate::resource::head::Head;
use crate::resource::oneofs;

/// When a row was deleted: nothing where it is there.
pub(crate) const DELETE_TIME: &str = "delete_time";
/// When a deleted row will be gone.
pub(crate) const EXPIRE_TIME: &str = "expire_time";

/// A field of a resource as declared.
pub(crate) struct Declared<'a> {
    pub descriptor: &'a FieldDescriptor,
    pub spot: &'a Spot,
    pub constraints: &'a Constraints,
    pub options: &'a FieldOptions,
}

/// `name` and `etag` have no column: they are put together from others. Nothing where the field is another; nothing
/// inside where it is one of them and declared wrongly. The flag says whether it is the identifier.
pub(crate) fn virtual_field(
    report: &mut Report<'_>,
    head: &Head,
    layout: &Layout,
    field: &Declared<'_>,
) -> Option<Option<(Storage, bool)>> {
    let name = field.descriptor.name();
    if name == DELETE_TIME && !head.soft_delete {
        report
            .error(field.spot, "nothing would set `delete_time`")
            .because("it says that a row is deleted, and deletion removes the row (AIP-164)")
            .help("add soft_delete: true to (mainstay.v1.resource), or leave the field out");
        return Some(None);
    }
    if name != "name" && name != "etag" {
        return None;
    }
    let singular = !field.descriptor.is_list() && !field.descriptor.is_map();
    // In proto2 every field has presence, and `optional` is how one is written.
    let proto2 = field.descriptor.parent_file().syntax() == Syntax::Proto2;
    let plain = proto2 || !field.descriptor.supports_presence();
    if field.descriptor.kind() != ProtoKind::String || !singular || !plain {
        let optional = if proto2 { "optional " } else { "" };
        report
            .error(field.spot, format!("`{name}` is not a plain string"))
            .because(format!(
                "`{name}` of a resource has a fixed meaning (AIP-{})",
                if name == "name" { 122 } else { 154 }
            ))
            .help(format!("write `{optional}string {name} = {};`", field.descriptor.number()));
        return Some(None);
    }
    let constrained =
        field.constraints.required || !field.constraints.checks.is_empty() || field.constraints.conditional;
    if constrained || field.options.reference.is_some() || field.options.default.is_some() {
        let what = format!("a constraint, default or reference on `{name}`");
        capabilities::refuse(report, field.spot, "constraints on name and etag", &what);
    }
    if name == "etag" {
        return Some(Some((Storage::Etag { revision: layout.revision() }, false)));
    }
    let columns = (layout.unnamed_keys()..layout.keys()).collect();
    let template = head.pattern.template.clone();
    Some(Some((Storage::Template { template, columns, nullable: false, target: None }, true)))
}

/// Server-made fields must have the type that the server makes; `ty` is nothing for what is no single scalar, or a name of
/// another row.
pub(crate) fn check_type(report: &mut Report<'_>, head: &Head, field: &Declared<'_>, ty: Option<&Type>) {
    let name = field.descriptor.name();
    let (wanted, fits) = match name {
        "uid" => ("string", matches!(ty, Some(Type::Text))),
        "create_time" | "update_time" => ("google.protobuf.Timestamp", matches!(ty, Some(Type::Timestamp))),
        DELETE_TIME | EXPIRE_TIME if head.soft_delete => {
            if field.constraints.required || field.options.behaviors.required {
                report
                    .error(field.spot, format!("`{name}` cannot be REQUIRED"))
                    .because("a row that is not deleted has none")
                    .help("leave REQUIRED out");
            }
            ("google.protobuf.Timestamp", matches!(ty, Some(Type::Timestamp)))
        }
        _ => return,
    };
    if !fits {
        // What is no single value was taken by earlier versions, and failed when it was written.
        let draft = match ty {
            Some(_) => report.error(field.spot, format!("`{name}` is not a {wanted}")),
            None => report.tightened(field.spot, format!("`{name}` is not a plain {wanted}")),
        };
        draft
            .because(format!("`{name}` of a resource has a fixed meaning (AIP-148)"))
            .help(format!("write `{wanted} {name} = {};`, or rename the field", field.descriptor.number()));
    }
    if oneofs::is_member(field.descriptor) {
        report
            .error(field.spot, format!("`{name}` cannot be a member of a oneof"))
            .because("the server sets it, whatever else is set")
            .help("move it out of the oneof");
    }
    if field.options.default.is_some() {
        report
            .error(field.spot, format!("`{name}` cannot have a default"))
            .because("the server sets it")
            .help("remove the default");
    }
}

/// Whether the server makes the field's value.
fn is_server_made(head: &Head, name: &str) -> bool {
    match name {
        "uid" | "create_time" | "update_time" => true,
        DELETE_TIME | EXPIRE_TIME => head.soft_delete,
        _ => false,
    }
}

/// Completes what is so whether it is written or not, and misses a `name`.
pub(crate) fn check(report: &mut Report<'_>, head: &Head, built: &mut Built) {
    for field in built.fields.iter_mut().filter(|field| is_server_made(head, &field.name)) {
        field.behaviors.output_only = true;
    }
    let has_name = built.fields.iter().any(|field| field.name == "name") || built.failed.contains("name");
    if !has_name {
        let number = (1..).find(|number| head.message.get_field(*number).is_none()).unwrap_or(1);
        report
            .error(&head.spot, format!("{} has no field `name`", head.message.full_name()))
            .because("every resource has its resource name there (AIP-122)")
            .help(format!("add `string name = {number} [(google.api.field_behavior) = IDENTIFIER];`"));
    }
}

/// The column of a server-made field, if declared.
pub(crate) fn column(fields: &[FieldModel], name: &str) -> Option<usize> {
    fields.iter().find(|field| field.name == name)?.columns.first().copied()
}
