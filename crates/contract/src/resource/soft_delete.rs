//! Soft delete (AIP-164): what a resource must have for it, and what follows.

use mainstay_record::time::Duration;
use prost_reflect::DescriptorPool;

use crate::annotations::OPTIONS;
use crate::model::SoftDelete;
use crate::options::{message_option, optional_text};
use crate::report::Report;
use crate::resource::built::Built;
use crate::resource::head::{Head, SOFT_DELETE};
use crate::resource::standard::{self, DELETE_TIME, EXPIRE_TIME};
use crate::text::Step;

const PURGE_AFTER: &str = "purge_after";

/// How long a deleted row is kept at most where it is not kept for ever: a hundred years. So the time at which it will be
/// gone is one that `google.protobuf.Timestamp` has.
pub const MAX_PURGE_AFTER_HOURS: i64 = 876_000;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Reads the options of a resource, and checks that its fields are there.
pub(crate) fn build(report: &mut Report<'_>, pool: &DescriptorPool, head: &Head, built: &Built) -> Option<SoftDelete> {
    let option = message_option(pool, &head.message.options(), OPTIONS);
    let written = option.and_then(|option| optional_text(&option, PURGE_AFTER)).filter(|written| !written.is_empty());
    let purge_after_us = written.as_deref().and_then(|written| purge_after(report, head, written));
    if !head.soft_delete {
        return None;
    }
    let expire_time = standard::column(&built.fields, EXPIRE_TIME);
    if let (Some(field), None) = (head.message.get_field_by_name(EXPIRE_TIME), &written) {
        let spot = report.name(head.message.parent_file().name(), field.path());
        report
            .error(&spot, format!("nothing would set `{EXPIRE_TIME}`"))
            .because("of a resource with soft_delete it says when a deleted row will be gone, and none ever is")
            .help(format!("add {PURGE_AFTER}: \"720h\" to (mainstay.v1.resource), or rename the field"));
    }
    let Some(delete_time) = standard::column(&built.fields, DELETE_TIME) else {
        if !built.failed.contains(DELETE_TIME) {
            miss_delete_time(report, head);
        }
        return None;
    };
    Some(SoftDelete { delete_time, expire_time, purge_after_us })
}

fn miss_delete_time(report: &mut Report<'_>, head: &Head) {
    let number = (1..).find(|number| head.message.get_field(*number).is_none()).unwrap_or(1);
    let spot = head.option(report, OPTIONS, &[Step::Field(SOFT_DELETE)]);
    report
        .error(&spot, format!("{} has no field `{DELETE_TIME}`", head.message.full_name()))
        .because("it says that a row is deleted, and since when (AIP-164)")
        .help(format!(
            "add `google.protobuf.Timestamp {DELETE_TIME} = {number} [(google.api.field_behavior) = OUTPUT_ONLY];`"
        ));
}

fn purge_after(report: &mut Report<'_>, head: &Head, written: &str) -> Option<i64> {
    let spot = head.option(report, OPTIONS, &[Step::Field(PURGE_AFTER)]);
    if !head.soft_delete {
        report
            .error(&spot, format!("{PURGE_AFTER} has no meaning without soft_delete"))
            .because("what is deleted is gone at once")
            .help("add soft_delete: true, or leave it out");
        return None;
    }
    let after = Duration::parse_units(written).map(Duration::micros).ok().filter(|after| *after > 0);
    if after.is_some_and(|after| after <= MAX_PURGE_AFTER_HOURS * MICROS_PER_HOUR) {
        return after;
    }
    let message = format!("`{written}` is not a time that a deleted row could be kept for");
    // Earlier versions took longer ones.
    let draft = if after.is_some() { report.tightened(&spot, message) } else { report.error(&spot, message) };
    draft.help(format!(
        "write a duration of more than nothing, for example \"720h\" for thirty days, and at most \
         \"{MAX_PURGE_AFTER_HOURS}h\" (a hundred years); without {PURGE_AFTER} it is kept for ever"
    ));
    after
}
