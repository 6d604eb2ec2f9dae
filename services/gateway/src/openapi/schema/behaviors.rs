//! What a contract says of how a field behaves (AIP-203), beside its type.

use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use super::rules::Rules;

const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;
const INPUT_ONLY: i32 = 4;
const IMMUTABLE: i32 = 5;
const IDENTIFIER: i32 = 8;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behaviors {
    pub required: bool,
    pub output_only: bool,
    pub input_only: bool,
    pub immutable: bool,
    pub identifier: bool,
    /// Whether it is a state, which transitions alone change.
    pub state: bool,
    /// The type of the resource that the field names.
    pub refers_to: Option<String>,
}

impl Behaviors {
    pub fn of(field: &FieldDescriptor) -> Behaviors {
        let options = field.options();
        let listed = extension(field, &options, "google.api.field_behavior");
        let says = |number| {
            let list = listed.as_ref().and_then(Value::as_list);
            list.is_some_and(|list| list.iter().any(|value| value.as_enum_number() == Some(number)))
        };
        let reference = extension(field, &options, "google.api.resource_reference");
        let refers_to = reference.as_ref().and_then(Value::as_message).and_then(|reference| {
            let text = reference.get_field_by_name("type")?.as_str()?.to_owned();
            Some(text).filter(|text| !text.is_empty() && text != "*")
        });
        let output_only = says(OUTPUT_ONLY);
        Behaviors {
            required: !output_only && (says(REQUIRED) || Rules::of(field).is_required()),
            output_only,
            input_only: says(INPUT_ONLY),
            immutable: says(IMMUTABLE),
            identifier: says(IDENTIFIER),
            state: extension(field, &options, "mainstay.v1.states").is_some(),
            refers_to,
        }
    }

    /// What a schema has no word for.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let immutable = self.immutable.then(|| "Set once: it cannot be changed later.".to_owned());
        let state = self.state.then(|| "Transitions alone change it.".to_owned());
        let refers = self.refers_to.as_ref().map(|kind| format!("The resource name of a `{kind}`."));
        immutable.into_iter().chain(state).chain(refers)
    }
}

fn extension(field: &FieldDescriptor, options: &DynamicMessage, name: &str) -> Option<Value> {
    let extension = field.parent_pool().get_extension_by_name(name)?;
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}
