//! The table of a whole pool, in the form that clients speak.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use mainstay_record::WellKnown;
use mainstay_record::names::Rank;
use prost_reflect::{DescriptorPool, EnumDescriptor, Kind, MessageDescriptor};

use super::{
    EnumPlan, Form, Leaf, MessagePlan, Special, Table,
    build::{Types, field_plan, special},
};
use crate::{PlanError, json::text::put_string};

/// Answers, for a message's full name, the other names under which its fields are accepted: `[("label", 3)]`.
pub type AliasResolver<'a> = &'a dyn Fn(&str) -> Vec<(String, u32)>;

/// Answers, for a message's full name, the numbers of the fields whose values no error repeats.
pub type UnsaidResolver<'a> = &'a dyn Fn(&str) -> Vec<u32>;

/// The field of an update's request that says what is updated (AIP-134).
pub const UPDATE_MASK: &str = "update_mask";

type Index = HashMap<Box<str>, u32, FixedState>;

/// Compiles every message and enum of a pool.
pub(crate) fn proto_table(pool: &DescriptorPool, aliases: AliasResolver<'_>, unsaid: UnsaidResolver<'_>) -> Table {
    let by_type = index(pool.all_messages().map(|message| message.full_name().into()));
    let by_enum = index(pool.all_enums().map(|enumeration| enumeration.full_name().into()));
    let mut types = PoolTypes { by_type: &by_type, by_enum: &by_enum };
    let plan = |message: MessageDescriptor| {
        let mut plan = message_plan(&message, aliases, &mut types);
        let unsaid = unsaid(message.full_name());
        plan.fields.iter_mut().for_each(|field| field.unsaid = unsaid.contains(&field.number));
        plan
    };
    let messages = pool.all_messages().map(plan).collect();
    let enums = pool.all_enums().map(|enumeration| enum_plan(&enumeration)).collect();
    Table { form: Form::Proto, messages, enums, by_type }
}

fn index(names: impl Iterator<Item = Box<str>>) -> Index {
    names.zip(0u32..).collect()
}

struct PoolTypes<'a> {
    by_type: &'a Index,
    by_enum: &'a Index,
}

impl Types for PoolTypes<'_> {
    fn message(&mut self, message: &MessageDescriptor) -> Result<u32, PlanError> {
        Ok(*self.by_type.get(message.full_name()).expect("a pool holds every message that its fields name"))
    }

    fn enumeration(&mut self, name: &str) -> Leaf {
        Leaf::Enum(*self.by_enum.get(name).expect("a pool holds every enum that its fields name"))
    }
}

fn message_plan(message: &MessageDescriptor, aliases: AliasResolver<'_>, types: &mut PoolTypes<'_>) -> MessagePlan {
    let other_names = aliases(message.full_name());
    let fields = message.fields().map(|field| {
        let aliases = other_names.iter().filter(|(_, n)| *n == field.number()).map(|(name, _)| name.as_str().into());
        field_plan(&field, field.json_name(), aliases.collect(), types).expect("a pool's own types are always found")
    });
    let mut plan = MessagePlan::new(message.full_name(), special(message.full_name(), Form::Proto), fields.collect());
    add_names(&mut plan);
    find_mask(&mut plan, message, types);
    let one_value = || WellKnown::of(message.full_name()).is_some_and(WellKnown::is_object_in_json);
    plan.whole = plan.special == Special::None && (one_value() || reaches_itself(message));
    plan
}

/// Enters every name of every field, the strongest first.
fn add_names(plan: &mut MessagePlan) {
    let fields = plan.fields.iter().enumerate();
    let names = fields.flat_map(|(index, field)| field.names().accepted().map(move |(rank, name)| (rank, index, name)));
    let mut names: Vec<(Rank, usize, String)> =
        names.map(|(rank, index, name)| (rank, index, name.into_owned())).collect();
    names.sort_by_key(|(rank, ..)| *rank);
    for (_, index, name) in names {
        plan.add_name(&name, index);
    }
}

/// Says of the mask of an update what it is over: the one message of the request beside it (AIP-134).
fn find_mask(plan: &mut MessagePlan, message: &MessageDescriptor, types: &mut PoolTypes<'_>) {
    let singular = message.fields().filter(|field| !field.is_list() && !field.is_map());
    let messages = singular.filter_map(|field| field.kind().as_message().cloned());
    let mut ordinary = messages.filter(|inner| special(inner.full_name(), Form::Proto) == Special::None);
    let (Some(of), None) = (ordinary.next(), ordinary.next()) else { return };
    let mask = plan.fields.iter_mut().find(|field| &*field.name == UPDATE_MASK && field.is_singular());
    let is_mask = message.get_field_by_name(UPDATE_MASK).and_then(|field| field.kind().as_message().cloned());
    if let (Some(mask), Some("google.protobuf.FieldMask")) = (mask, is_mask.as_ref().map(|message| message.full_name()))
    {
        mask.mask_of = types.message(&of).ok();
    }
}

fn enum_plan(enumeration: &EnumDescriptor) -> EnumPlan {
    let mut by_number: Vec<(i32, Box<[u8]>)> = Vec::new();
    let mut by_name = HashMap::default();
    // the descriptor's own list is not in the order of declaration, and the first declared name is the one to write
    for value in &enumeration.enum_descriptor_proto().value {
        let mut quoted = Vec::new();
        put_string(value.name(), &mut quoted);
        by_number.push((value.number(), quoted.into()));
        by_name.insert(value.name().into(), value.number());
    }
    by_number.sort_by_key(|(number, _)| *number);
    by_number.dedup_by_key(|(number, _)| *number);
    EnumPlan {
        name: enumeration.full_name().into(),
        is_null: enumeration.full_name() == "google.protobuf.NullValue",
        by_number,
        by_name,
        first: enumeration.default_value().number(),
    }
}

/// Says whether a message holds itself through its fields, however far down.
fn reaches_itself(start: &MessageDescriptor) -> bool {
    let mut seen = HashSet::new();
    let mut rest = vec![start.clone()];
    while let Some(message) = rest.pop() {
        for field in message.fields() {
            if let Kind::Message(target) = field.kind() {
                if target == *start {
                    return true;
                }
                if seen.insert(target.full_name().to_owned()) {
                    rest.push(target);
                }
            }
        }
    }
    false
}
