//! The fields of the contract, with what the ledger compares.

use mainstay_contract::{Contract, FieldModel, Place, Resource};
use mainstay_record::Role;
use prost_reflect::MessageDescriptor;

use crate::json::entry_of;
use crate::signature::held_message;
use crate::terms::{EnumValues, FieldTerms, own_rules};
use crate::{FieldEntry, FieldPath, JsonEntry, Signature};

/// A field of the contract, with what the ledger compares.
pub(super) struct FieldNow<'a> {
    pub path: FieldPath,
    /// `address.city`
    pub names: &'a str,
    pub model: &'a FieldModel,
    pub signature: Signature,
    pub json: Option<JsonEntry>,
    pub values: Option<EnumValues>,
    pub terms: FieldTerms,
    /// The message type that the field holds.
    pub held: Option<MessageDescriptor>,
}

impl FieldNow<'_> {
    pub fn entry(&self) -> FieldEntry {
        FieldEntry {
            name: self.model.name.clone(),
            signature: self.signature.clone(),
            required: self.model.behaviors.required,
            checks: self.checks(),
            hidden: false,
            hidden_since: None,
            values: self.values.clone(),
            terms: Some(self.terms.clone()),
            json: self.json.clone(),
        }
    }

    /// What a value must satisfy, in words.
    pub fn checks(&self) -> Vec<String> {
        self.model.checks.iter().map(ToString::to_string).collect()
    }

    pub fn place(&self) -> &Place {
        &self.model.place
    }
}

/// All fields of a resource, a message before the fields inside it.
pub(super) fn fields_of<'a>(contract: &'a Contract, resource: &'a Resource) -> Vec<FieldNow<'a>> {
    let mut fields = Vec::new();
    let message = contract.pool.get_message_by_name(&resource.message);
    collect(resource, &resource.fields, message.as_ref(), &mut fields);
    fields
}

fn collect<'a>(
    resource: &'a Resource,
    models: &'a [FieldModel],
    message: Option<&MessageDescriptor>,
    fields: &mut Vec<FieldNow<'a>>,
) {
    for model in models {
        let Some(descriptor) = message.and_then(|message| message.get_field(model.number)) else { continue };
        let role = model.columns.first().and_then(|i| resource.layout.columns.get(*i)).map(|column| &column.role);
        let held = held_message(&descriptor);
        let json = match role {
            Some(Role::Json(shape)) => Some(entry_of(shape, held.clone(), model.json_checks.as_deref())),
            _ => None,
        };
        let signature = Signature::of(&descriptor, role);
        let path = FieldPath::from(&model.path);
        let (values, terms) = (EnumValues::of(&descriptor), FieldTerms::of(&descriptor, own_rules(model)));
        let names = &model.field_path;
        fields.push(FieldNow { path, names, model, signature, json, values, terms, held: held.clone() });
        collect(resource, &model.children, held.as_ref(), fields);
    }
}
