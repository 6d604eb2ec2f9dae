//! From linked descriptors to the resource model.

pub(crate) mod access;
mod built;
mod columns;
pub(crate) mod constraints;
mod defaults;
pub(crate) mod effects;
pub(crate) mod head;
pub(crate) mod index;
pub(crate) mod json;
pub(crate) mod layout;
mod links;
mod moment;
mod on_delete;
pub(crate) mod oneofs;
pub(crate) mod options;
mod parents;
pub(crate) mod predicates;
mod reference;
mod refused;
pub(crate) mod singletons;
pub(crate) mod soft_delete;
pub(crate) mod standard;
pub(crate) mod states;
mod subject;
mod telling;
pub(crate) mod tenant;
pub(crate) mod types;
mod vocabulary;
mod whole;

use std::collections::HashSet;
use std::sync::Arc;

use mainstay_expr::RecordType;
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};

use crate::annotations::RESOURCE;
use crate::capabilities;
use crate::model::Access;
use crate::options::{has_enforced_options, message_option, of_field};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::resource::built::Built;
use crate::resource::head::Head;
use crate::resource::types::Types;
use crate::resource::vocabulary::Vocabulary;
use crate::{Resource, Roles};

/// Builds all resources. What is wrong is reported; the result is whole only if nothing was.
pub(crate) fn build(
    report: &mut Report<'_>,
    pool: &DescriptorPool,
    heads: &[Head],
    roles: &Arc<Roles>,
) -> Vec<Resource> {
    let mut types = Types::default();
    enums(pool, report).iter().for_each(|ty| {
        types.enumeration(ty);
    });
    let mut read = HashSet::new();
    let mut built: Vec<Built> =
        heads.iter().map(|head| layout::build(report, heads, head, &mut types, &mut read)).collect();
    report.anchor = None;
    if resource_messages(report, pool) == heads.len() {
        refuse_the_rest(report, pool, heads, &read);
    }
    on_delete::check(report, pool);
    singletons::check(report, heads);
    // A rule may look at any resource, so all are laid out before the first rule is read.
    let records: Arc<[Arc<RecordType>]> =
        built.iter_mut().map(|built| Arc::new(std::mem::take(&mut built.record))).collect();
    let failed: HashSet<String> = built.iter().flat_map(|built| built.failed.iter().cloned()).collect();
    let mut vocabulary =
        Vocabulary { records, enums: types.enums(), roles: Arc::clone(roles), ..Vocabulary::default() };
    vocabulary.predicates = Arc::new(predicates::build(report, pool, heads, (&vocabulary, &failed)));
    let rules = |index: usize| Rules {
        head: &heads[index],
        record: Arc::clone(&vocabulary.records[index]),
        vocabulary: &vocabulary,
        failed: &failed,
    };
    let resources = heads.iter().zip(built).enumerate().map(|(index, (head, mut built))| {
        let soft_delete = soft_delete::build(report, pool, head, &built);
        let record = Arc::clone(&vocabulary.records[index]);
        let rules = rules(index);
        let mut access = rules.compile(report, pool);
        rules.defaults(report, &mut built.fields);
        singletons::check_fields(report, head, &built.fields);
        let constraints = whole::read(report, &rules, &mut built.fields);
        rules.of_fields(report, &mut built.fields);
        let (states, transitions) = rules.states(report, &mut built, &mut access);
        let declared = index::Declared {
            head,
            built: &built,
            rules: &rules,
            access: &access,
            soft_delete: soft_delete.as_ref(),
            states: &states,
            transitions: &transitions,
        };
        let indexes = index::build(report, pool, &declared);
        // Whom an index tells of rows is decided by what is written: all that meet in it are of one organisation.
        if head.tenant {
            tenant::bind(&mut access);
        }
        let on_parent_delete = on_delete::of_parent(report, pool, heads, head);
        let parts = Parts { record, access, constraints, indexes, soft_delete, on_parent_delete, states, transitions };
        resource(report, heads, head, built, parts)
    });
    let mut resources: Vec<Resource> = resources.collect();
    effects::build(report, pool, rules, &mut resources);
    subject::build(report, heads, &rules, &mut resources);
    resources
}

/// What is in no resource. Asked before all resources are known, the fields of what is no resource yet would be told as nobody's,
/// and its children as orphans.
fn refuse_the_rest(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head], read: &HashSet<String>) {
    refuse_unread(report, pool, read);
    parents::check(report, pool, heads);
    states::refuse_elsewhere(report, pool, heads);
}

struct Parts {
    record: Arc<RecordType>,
    access: Access,
    constraints: Vec<crate::Constraint>,
    indexes: Vec<crate::Index>,
    soft_delete: Option<crate::SoftDelete>,
    on_parent_delete: crate::OnDelete,
    states: Vec<crate::States>,
    transitions: Vec<crate::Transition>,
}

fn resource(report: &Report<'_>, heads: &[Head], head: &Head, built: Built, parts: Parts) -> Resource {
    let parent_shape = head.pattern.parent_shape();
    let number = |name: &str| built.fields.iter().find(|field| field.name == name).map(|field| field.number);
    let file = head.message.parent_file();
    let comment =
        report.files.index(file.name()).map(|index| report.files.all[index].comments.above(head.message.path()));
    Resource {
        type_name: head.type_name.clone(),
        message: head.message.full_name().to_owned(),
        package: head.package().to_owned(),
        singular: head.singular.clone(),
        plural: head.plural.clone(),
        collection: head.pattern.collection.clone(),
        pattern: head.pattern.source.clone(),
        template: head.pattern.template.clone(),
        variables: head.pattern.variables.clone(),
        singleton: head.pattern.singleton,
        parent: heads
            .iter()
            .position(|other| other.package() == head.package() && Some(other.pattern.shape.as_str()) == parent_shape),
        table: head.table.clone(),
        record: parts.record,
        indexes: parts.indexes,
        access: parts.access,
        constraints: parts.constraints,
        name_field: number("name"),
        etag_field: number("etag"),
        uid: standard::column(&built.fields, "uid"),
        create_time: standard::column(&built.fields, "create_time"),
        update_time: standard::column(&built.fields, "update_time"),
        soft_delete: parts.soft_delete,
        on_parent_delete: parts.on_parent_delete,
        states: parts.states,
        transitions: parts.transitions,
        effects: Vec::new(),
        subject: None,
        comment: comment.unwrap_or_default(),
        place: report.files.place(&head.spot),
        references: built.references,
        accounts: built.accounts,
        links: built.links,
        layout: Arc::new(built.layout),
        fields: built.fields,
        oneofs: oneofs::of(&head.message),
    }
}

/// Every enum of the written files, for rules to name.
fn enums(pool: &DescriptorPool, report: &Report<'_>) -> Vec<EnumDescriptor> {
    fn nested(message: &MessageDescriptor, into: &mut Vec<EnumDescriptor>) {
        into.extend(message.child_enums());
        message.child_messages().for_each(|child| nested(&child, into));
    }
    let mut all = Vec::new();
    for file in pool.files().filter(|file| report.files.index(file.name()).is_some()) {
        all.extend(file.enums());
        file.messages().for_each(|message| nested(&message, &mut all));
    }
    all
}

/// How many messages are meant to be resources.
fn resource_messages(report: &Report<'_>, pool: &DescriptorPool) -> usize {
    let mut count = 0;
    for file in pool.files().filter(|file| report.files.index(file.name()).is_some()) {
        head::each_message(file.messages(), &mut |message| {
            count += usize::from(message_option(pool, &message.options(), RESOURCE).is_some());
        });
    }
    count
}

/// Constraints and defaults on messages that no resource holds would be ignored, so they are refused.
fn refuse_unread(report: &mut Report<'_>, pool: &DescriptorPool, read: &HashSet<String>) {
    fn visit(report: &mut Report<'_>, message: &MessageDescriptor, read: &HashSet<String>) {
        for field in message.fields().filter(|field| !read.contains(field.full_name())) {
            if let Some(option) = of_field(&field).and_then(|options| has_enforced_options(&options)) {
                let spot = options::spot(report, &field, &option, &[]);
                let what = format!("({option}) on {}, which no resource holds,", field.full_name());
                capabilities::refuse(report, &spot, "constraints outside resources", &what);
            }
        }
        if !read.contains(message.full_name()) && whole::is_on(message) {
            let spot = report.name(message.parent_file().name(), message.path());
            let what = format!("(buf.validate.message) on {}, which no resource holds,", message.full_name());
            capabilities::refuse(report, &spot, "constraints outside resources", &what);
        }
        if !read.contains(message.full_name()) {
            oneofs::refuse_required(report, message);
        }
        message.child_messages().for_each(|child| visit(report, &child, read));
    }
    let files = pool.files().filter(|file| report.files.index(file.name()).is_some()).collect::<Vec<_>>();
    for file in files {
        file.messages().for_each(|message| visit(report, &message, read));
    }
}
