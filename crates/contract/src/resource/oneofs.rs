//! `oneof`: of its fields at most one is set.

use prost_reflect::{FieldDescriptor, MessageDescriptor, OneofDescriptor, Value};

use crate::annotations::{self, FieldOptions};
use crate::capabilities;
use crate::file::Spot;
use crate::model::Oneof;
use crate::options::{message_option, of_field};
use crate::report::Report;

const ONEOF: &str = "buf.validate.oneof";
const FIELD: &str = "buf.validate.field";

/// The oneofs of a message, without those that `optional` makes.
pub(crate) fn of(message: &MessageDescriptor) -> Vec<Oneof> {
    let oneof = |oneof: OneofDescriptor| Oneof { name: oneof.name().to_owned(), required: is_required(&oneof) };
    real(message).map(oneof).collect()
}

/// The oneof that a field belongs to, by its place among those of its message.
pub(crate) fn position(field: &FieldDescriptor) -> Option<usize> {
    let own = field.containing_oneof()?;
    real(field.parent_message()).position(|oneof| oneof == own)
}

fn real(message: &MessageDescriptor) -> impl Iterator<Item = OneofDescriptor> + use<> {
    let all: Vec<OneofDescriptor> = message.oneofs().filter(|oneof| !oneof.is_synthetic()).collect();
    all.into_iter()
}

/// Says whether one of the fields must be set.
fn is_required(oneof: &OneofDescriptor) -> bool {
    let option = message_option(oneof.parent_pool(), &oneof.options(), ONEOF);
    option.is_some_and(|option| option.get_field_by_name("required").is_some_and(|value| *value == Value::Bool(true)))
}

/// Refuses what is said of members as if the others were not there.
pub(super) fn check(report: &mut Report<'_>, message: &MessageDescriptor) {
    if report.files.index(message.parent_file().name()).is_none() {
        return;
    }
    for oneof in real(message) {
        let members: Vec<(FieldDescriptor, FieldOptions)> =
            oneof.fields().map(|field| (field.clone(), annotations::read(&field))).collect();
        check_members(report, &oneof, &members);
    }
}

fn check_members(report: &mut Report<'_>, oneof: &OneofDescriptor, members: &[(FieldDescriptor, FieldOptions)]) {
    let name = oneof.name();
    let of = |report: &Report<'_>, field: &FieldDescriptor| report.name(field.parent_file().name(), field.path());
    for (field, options) in members {
        if (options.behaviors.required || is_required_field(field)) && members.len() > 1 {
            let spot = of(report, field);
            report
                .error(&spot, format!("{} is REQUIRED, so no other field of `{name}` could ever be set", field.name()))
                .because("of a oneof at most one field is set")
                .help(format!(
                    "write `option (buf.validate.oneof).required = true;` into `{name}`: one of them is set"
                ));
        }
        let hides = is_required(oneof) && options.read.is_some();
        if hides {
            let spot = of(report, field);
            report
                .error(&spot, format!("who does not see {} would be told whether it is set", field.name()))
                .because(format!("one field of `{name}` must be set, and a write without another one shows which"))
                .help(format!("leave the rule out, or `required` of `{name}`"));
        }
    }
    let is_server = |(_, options): &&(FieldDescriptor, FieldOptions)| options.behaviors.output_only;
    if let (Some((own, _)), Some((other, _))) =
        (members.iter().find(is_server), members.iter().find(|it| !is_server(it)))
    {
        let spot = of(report, own);
        report
            .error(&spot, format!("{} is OUTPUT_ONLY, and {} of the same oneof is not", own.name(), other.name()))
            .because(format!("a client that sets {} would unset what only the server may set", other.name()))
            .help(format!("move {} out of `{name}`, or make all its fields OUTPUT_ONLY", own.name()));
    }
    let mut defaults = members.iter().filter(|(_, options)| options.default.is_some());
    if let (Some((first, _)), Some((second, _))) = (defaults.next(), defaults.next()) {
        let spot = of(report, second);
        report
            .error(&spot, format!("{} and {} of `{name}` both have a default", first.name(), second.name()))
            .because("of a oneof at most one field is set")
            .help("keep one of the two");
    }
}

/// Says whether the constraints of a field want it to be set.
fn is_required_field(field: &FieldDescriptor) -> bool {
    let constraints = of_field(field).and_then(|options| message_option(field.parent_pool(), &options, FIELD));
    constraints.is_some_and(|rules| rules.get_field_by_name("required").is_some_and(|it| *it == Value::Bool(true)))
}

/// Refuses that one must be set where nothing is stored.
pub(super) fn refuse_required(report: &mut Report<'_>, message: &MessageDescriptor) {
    for oneof in real(message).filter(is_required) {
        let spot: Spot = report.name(message.parent_file().name(), oneof.path());
        let what = format!("({ONEOF}) on {}, which no resource holds,", oneof.full_name());
        capabilities::refuse(report, &spot, "constraints outside resources", &what);
    }
}

/// Says whether a field is a member of a oneof that is written as one.
pub(crate) fn is_member(field: &FieldDescriptor) -> bool {
    field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic())
}

/// Says whether another field of the same oneof is IMMUTABLE.
pub(super) fn unsets_immutable(field: &FieldDescriptor) -> bool {
    let others = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    let others: Vec<FieldDescriptor> = others.iter().flat_map(OneofDescriptor::fields).collect();
    others.iter().any(|other| other != field && annotations::read(other).behaviors.immutable)
}
