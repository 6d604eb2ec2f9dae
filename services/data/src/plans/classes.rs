//! Fields whose values no log, trace or error text says (`class` of `mainstay.v1.field`).

use std::collections::HashMap;

use foldhash::fast::RandomState;
use mainstay_contract::field_options;
use mainstay_record::Violation;
use mainstay_wire::{MaskError, UNSAID};
use prost_reflect::MessageDescriptor;

/// What of a resource is never said, wherever in its messages it stands.
#[derive(Debug, Default)]
pub struct Classes {
    /// The resource first; none where all may be said.
    messages: Vec<HashMap<String, Known, RandomState>>,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy)]
struct Known {
    unsaid: bool,
    /// The message that is in it, in its elements or its values.
    message: Option<usize>,
}

impl Classes {
    /// Looks through all that is in a resource.
    pub fn of(message: &MessageDescriptor) -> Classes {
        let mut places: HashMap<String, usize, RandomState> = HashMap::default();
        let mut pending = vec![message.clone()];
        places.insert(message.full_name().to_owned(), 0);
        let (mut messages, mut any) = (Vec::new(), false);
        let mut next = 0;
        while let Some(message) = pending.get(next).cloned() {
            next += 1;
            let known = message.fields().map(|field| {
                let entry = field.kind().as_message().filter(|entry| entry.is_map_entry()).cloned();
                let kind = entry.map_or_else(|| field.kind(), |entry| entry.map_entry_value_field().kind());
                let inner = kind.as_message().map(|inner| {
                    *places.entry(inner.full_name().to_owned()).or_insert_with(|| {
                        pending.push(inner.clone());
                        pending.len() - 1
                    })
                });
                let options = field_options(&field);
                any |= options.classed;
                // Clients may write any of its names.
                let names = [field.name().to_owned(), field.json_name().to_owned()];
                let known = Known { unsaid: options.classed, message: inner };
                names.into_iter().chain(options.aliases).map(|name| (name, known)).collect::<Vec<_>>()
            });
            messages.push(known.flatten().collect());
        }
        Classes { messages: if any { messages } else { Vec::new() } }
    }

    /// Whether there is anything that is not said.
    pub fn are_any(&self) -> bool {
        !self.messages.is_empty()
    }

    /// The field in a path (`home.street`, `cards[0].number`, `phones["work"].number`) of which nothing is said, by its own path;
    /// none where all of it may be said. A key of a map holds what its caller likes, a part of a path as well: behind one, what
    /// cannot be followed is not said either.
    pub fn unsaid<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut fields = self.messages.first()?;
        let (mut at, mut keyed) = (0, None);
        loop {
            let name = &path[at..];
            let name = &name[..name.find(['.', '[']).unwrap_or(name.len())];
            let Some(known) = fields.get(name) else { return keyed };
            let end = at + name.len();
            if known.unsaid {
                return Some(&path[..end]);
            }
            let rest = &path[end..];
            if rest.is_empty() {
                return None;
            }
            let step = match rest.as_bytes() {
                [b'[', b'"', ..] => {
                    keyed = keyed.or(Some(&path[..end]));
                    rest.find("\"].").map(|close| close + 3)
                }
                [b'[', ..] => rest.find("].").map(|close| close + 2),
                _ => Some(1),
            };
            // The path ends with an element, or with what stands under a key.
            at = end + step?;
            let Some(inner) = known.message.and_then(|message| self.messages.get(message)) else { return keyed };
            fields = inner;
        }
    }

    /// What a client is told of a field of the resource: nothing of what is in it, where that is not said.
    pub fn told(&self, violation: Violation) -> Violation {
        match self.unsaid(&violation.field) {
            Some(field) => Violation { field: field.to_owned(), description: UNSAID.to_owned() },
            None => violation,
        }
    }

    /// What a client is told of a field whose values are never said, and the description is of none.
    pub fn placed(&self, violation: Violation) -> Violation {
        match self.unsaid(&violation.field) {
            Some(field) => Violation { field: field.to_owned(), ..violation },
            None => violation,
        }
    }

    /// What a client is told of a path of a mask: of one that leads into a field whose values are never said, that field alone.
    /// A key of a map may be such a value.
    pub fn masked(&self, error: MaskError) -> MaskError {
        match self.unsaid(&error.path).filter(|field| field.len() < error.path.len()) {
            Some(field) => MaskError {
                path: field.to_owned(),
                message: "the path leads to nothing that can be named in it; name the whole field".to_owned(),
            },
            None => error,
        }
    }

    /// A name that stands in a field, as far as it is said.
    pub fn name(&self, field: &str, name: String) -> String {
        if self.unsaid(field).is_some() { "…".to_owned() } else { name }
    }
}
