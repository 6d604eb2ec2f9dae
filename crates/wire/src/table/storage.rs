//! The table of a resource's JSON columns, in the form that is stored.

use std::collections::HashMap;

use mainstay_record::{JsonField, JsonShape};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::{
    FieldPlan, Form, Leaf, MessagePlan, Special, Table,
    build::{Types, field_plan, special},
};
use crate::{AliasResolver, PlanError};

/// A field that is stored as JSON, and the keys of the messages inside.
pub(crate) struct JsonColumn<'a> {
    pub(crate) field: FieldDescriptor,
    pub(crate) shape: &'a JsonShape,
    /// The field's path, for errors.
    pub(crate) path: &'a str,
}

/// Compiles the columns' fields, in the same order, and the table of the messages inside them.
///
/// Fails where an ordinary message has no entry in its shape: its keys would follow the contract's names of today, and a
/// rename would lose data.
pub(crate) fn storage_table(
    columns: &[JsonColumn<'_>],
    aliases: AliasResolver<'_>,
) -> Result<(Table, Vec<FieldPlan>), PlanError> {
    let mut messages = Vec::new();
    let mut plans = Vec::with_capacity(columns.len());
    for column in columns {
        let mut types = ShapeTypes {
            column,
            aliases,
            messages: &mut messages,
            known: HashMap::new(),
            next: (!column.shape.messages.is_empty()).then_some(0),
        };
        plans.push(field_plan(&column.field, column.field.name(), Vec::new(), &mut types)?);
    }
    let messages = messages.into_iter().map(|plan| plan.expect("every message was compiled before its table was done"));
    let table =
        Table { form: Form::Storage, messages: messages.collect(), enums: Vec::new(), by_type: HashMap::default() };
    Ok((table, plans))
}

struct ShapeTypes<'a, 'p> {
    column: &'a JsonColumn<'a>,
    aliases: AliasResolver<'a>,
    /// A message that is being compiled is not there yet: it may name itself.
    messages: &'p mut Vec<Option<MessagePlan>>,
    known: HashMap<(Option<usize>, String), u32>,
    /// The entry of the message that the field at hand holds.
    next: Option<usize>,
}

impl Types for ShapeTypes<'_, '_> {
    fn message(&mut self, message: &MessageDescriptor) -> Result<u32, PlanError> {
        let name = message.full_name();
        let mut special = special(name, Form::Storage);
        if special == Special::Date && self.next.is_some() {
            special = Special::None;
        }
        let entry = if special == Special::None { self.next } else { None };
        let key = (entry, name.to_owned());
        if let Some(index) = self.known.get(&key) {
            return Ok(*index);
        }
        let index = u32::try_from(self.messages.len()).map_err(|_| self.wrong("holds too many message types"))?;
        self.known.insert(key, index);
        self.messages.push(None);
        let plan = match special {
            Special::None => self.ordinary(message, entry)?,
            Special::Wrapper => self.wrapper(message)?,
            special => MessagePlan::new(name, special, Vec::new()),
        };
        self.messages[index as usize] = Some(plan);
        Ok(index)
    }

    fn enumeration(&mut self, _name: &str) -> Leaf {
        Leaf::Int32
    }
}

impl ShapeTypes<'_, '_> {
    fn ordinary(&mut self, message: &MessageDescriptor, entry: Option<usize>) -> Result<MessagePlan, PlanError> {
        let column = self.column;
        let keys = entry.and_then(|entry| column.shape.messages.get(entry));
        let Some(keys) = keys else {
            return Err(self.wrong(&format!("the layout has no storage keys for {}", message.full_name())));
        };
        let other_names = (self.aliases)(message.full_name());
        let mut fields = Vec::new();
        for field in message.fields() {
            let JsonField { key, message, .. } = keys
                .fields
                .iter()
                .find(|known| known.number == field.number())
                .ok_or_else(|| self.wrong(&format!("the layout has no storage key for {}", field.full_name())))?;
            self.next = *message;
            let aliases =
                other_names.iter().filter(|(_, n)| *n == field.number()).map(|(name, _)| name.as_str().into());
            fields.push(field_plan(&field, key, aliases.collect(), self)?);
        }
        Ok(self.finish(message.full_name(), Special::None, fields))
    }

    fn wrapper(&mut self, message: &MessageDescriptor) -> Result<MessagePlan, PlanError> {
        let fields: Result<Vec<_>, _> =
            message.fields().map(|field| field_plan(&field, field.name(), Vec::new(), self)).collect();
        Ok(self.finish(message.full_name(), Special::Wrapper, fields?))
    }

    fn finish(&self, name: &str, special: Special, fields: Vec<FieldPlan>) -> MessagePlan {
        let mut plan = MessagePlan::new(name, special, fields);
        let keys: Vec<Box<str>> = plan.fields.iter().map(|field| field.written_name.clone()).collect();
        for (index, key) in keys.iter().enumerate() {
            plan.add_name(key, index);
        }
        plan
    }

    fn wrong(&self, message: &str) -> PlanError {
        PlanError { field: self.column.path.to_owned(), message: message.to_owned() }
    }
}
