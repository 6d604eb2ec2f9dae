//! The table of a whole pool, in the form that clients speak.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use prost_reflect::{DescriptorPool, EnumDescriptor, Kind, MessageDescriptor};

use super::{
    EnumPlan, Form, Leaf, MessagePlan, Special, Table,
    build::{Types, field_plan, special},
};
use crate::{AliasResolver, PlanError, json::text::put_string};

type Index = HashMap<Box<str>, u32, FixedState>;

/// Compiles every message and enum of a pool.
pub(crate) fn proto_table(pool: &DescriptorPool, aliases: AliasResolver<'_>) -> Table {
    let by_type = index(pool.all_messages().map(|message| message.full_name().into()));
    let by_enum = index(pool.all_enums().map(|enumeration| enumeration.full_name().into()));
    let mut types = PoolTypes { by_type: &by_type, by_enum: &by_enum };
    let messages = pool.all_messages().map(|message| message_plan(&message, aliases, &mut types)).collect();
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
    plan.recursive = plan.special == Special::None && reaches_itself(message);
    plan
}

/// A field's own names win over other fields' aliases.
fn add_names(plan: &mut MessagePlan) {
    let names: Vec<[Box<str>; 2]> = plan.fields.iter().map(|f| [f.name.clone(), f.json_name.clone()]).collect();
    let aliases: Vec<Vec<Box<str>>> = plan.fields.iter().map(|field| field.aliases.clone()).collect();
    for (index, [name, json_name]) in names.iter().enumerate() {
        plan.add_name(name, index);
        plan.add_name(json_name, index);
    }
    for (index, aliases) in aliases.iter().enumerate() {
        for alias in aliases {
            plan.add_name(alias, index);
        }
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
