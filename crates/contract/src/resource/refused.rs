//! What a message or a field can be that nothing stored is yet.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::capabilities;
use crate::report::Report;
use crate::resource::types::map_value;

/// Refuses extension ranges.
pub(crate) fn extensions(report: &mut Report<'_>, message: &MessageDescriptor) {
    if message.extension_ranges().next().is_some() && report.files.index(message.parent_file().name()).is_some() {
        let spot = report.name(message.parent_file().name(), message.path());
        capabilities::refuse(report, &spot, "extension ranges", "a stored message with extension ranges");
    }
}

/// Refuses a field for what it is, whatever its type.
pub(crate) fn field(report: &mut Report<'_>, field: &FieldDescriptor) -> bool {
    let file = field.parent_file();
    let spot = report.name(file.name(), field.path());
    if field.is_group() {
        return capabilities::refuse(report, &spot, "proto2 groups", "a proto2 group");
    }
    if field.is_required() {
        return capabilities::refuse(report, &spot, "proto2 required", "a proto2 `required` field");
    }
    if field.field_descriptor_proto().default_value.is_some() {
        return capabilities::refuse(report, &spot, "proto2 default values", "a proto2 default value");
    }
    // In proto2 an enum may begin with any number, and what is unset would read as that.
    if let Kind::Enum(ty) = map_value(field).kind()
        && ty.get_value(0).is_none()
    {
        let what = format!("a field of {}, which has no value with the number 0,", ty.full_name());
        capabilities::refuse_from_now_on(report, &spot, "enums without a zero", &what);
    }
    false
}
