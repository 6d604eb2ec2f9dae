//! What a file of the table says of its method.

use prost_reflect::{FieldDescriptor, Kind};

use super::fields::{Field, FieldType, Fields, Role};
use super::input::{self, Input};
use crate::Verb;
use crate::machine::Written;
use crate::naming;
use crate::resource::head::Head;

/// A method that resources have: fixed for ever once stubs exist.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The beginning of its name: `BatchGet`.
    pub word: &'static str,
    /// Whether the name goes on with one or with many: `GetProduct`, `ListProducts`.
    pub noun: Noun,
    /// Which resources have it.
    pub offered: fn(&Head) -> bool,
    /// The comment above it.
    pub comment: fn(&Head) -> String,
    pub request: Fields,
    pub answer: Answer,
    pub route: RouteDefinition,
}

/// The message of one of the transitions that happened: `OrderTransition`.
pub(crate) fn passage(head: &Head) -> String {
    format!("{}Transition", head.short_name())
}

/// A message that a method brings with it.
pub(crate) struct Message<'h> {
    pub name: String,
    pub comment: String,
    pub fields: &'static Fields,
    /// The fields of the resource that stand behind them.
    pub inputs: Vec<Input<'h>>,
}

/// How a method's name goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noun {
    One,
    Many,
    /// With the one in the middle: `ListOrderTransitions`.
    Its,
}

/// What a method answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Resource,
    /// The resource where deletion keeps it, else nothing.
    Kept,
    /// Nothing.
    Empty,
    /// A message of its own with the transitions of a row, and what each of them is.
    Passages(Fields, Fields),
    /// A message of the method's own.
    Own(Fields),
}

/// How a method is reached over HTTP.
#[derive(Debug)]
pub(crate) struct RouteDefinition {
    pub method: &'static str,
    pub place: RoutePlace,
    /// What stands behind a colon.
    pub verb: Option<&'static str>,
    pub body: RouteBody,
}

/// What the path leads to.
#[derive(Debug)]
pub(crate) enum RoutePlace {
    /// The row that this field names; of the resource itself its name is taken.
    Row(Role),
    /// The collection that the rows are in.
    Collection,
}

/// What the body is.
#[derive(Debug)]
pub(crate) enum RouteBody {
    None,
    Field(Role),
    /// The whole request.
    Whole,
}

impl Verb {
    /// The verbs that a resource has methods for.
    pub(crate) fn of(head: &Head) -> impl Iterator<Item = Verb> {
        let own = (0..).zip(&head.transitions).map(|(which, _)| Verb::Transition(which));
        Verb::ALL.into_iter().filter(|verb| (verb.definition().offered)(head)).chain(own)
    }

    /// The transition that it is.
    fn transition(self, head: &Head) -> Option<&Written> {
        match self {
            Verb::Transition(which) => head.transitions.get(usize::from(which)),
            _ => None,
        }
    }

    /// The comment above the method.
    pub(crate) fn comment(self, head: &Head) -> String {
        match self.transition(head) {
            Some(written) => input::comment(written, &head.plural),
            None => (self.definition().comment)(head),
        }
    }

    /// The fields of the resource that are given with it.
    pub(crate) fn inputs(self, head: &Head) -> Vec<Input<'_>> {
        self.transition(head).map(|written| written.inputs.iter().map(Input).collect()).unwrap_or_default()
    }

    /// `GetProduct`
    pub(crate) fn method_name(self, head: &Head) -> String {
        let definition = self.definition();
        let word = self.transition(head).map_or(definition.word, |written| &written.name);
        match definition.noun {
            Noun::One => format!("{word}{}", head.short_name()),
            Noun::Many => format!("{word}{}", naming::upper_camel(&head.plural)),
            Noun::Its => format!("List{}Transitions", head.short_name()),
        }
    }

    /// The messages that the method brings with it.
    pub(crate) fn messages(self, head: &Head) -> Vec<Message<'_>> {
        let name = self.method_name(head);
        let request = Message {
            name: format!("{name}Request"),
            comment: format!("The request of {name}."),
            fields: self.request(),
            inputs: self.inputs(head),
        };
        let answer = self.answer().map(|fields| Message {
            name: format!("{name}Response"),
            comment: format!("The answer of {name}."),
            fields,
            inputs: Vec::new(),
        });
        let element = self.element().map(|fields| Message {
            name: passage(head),
            comment: format!("A transition of one of the {}.", spaced(&head.plural)),
            fields,
            inputs: Vec::new(),
        });
        std::iter::once(request).chain(answer).chain(element).collect()
    }

    /// The full name of the derived request.
    pub(crate) fn input(self, head: &Head) -> String {
        format!("{}.{}Request", head.package(), self.method_name(head))
    }

    /// The full name of what the method answers.
    pub(crate) fn output(self, head: &Head) -> String {
        match self.definition().answer {
            Answer::Resource => head.message.full_name().to_owned(),
            Answer::Kept if head.soft_delete => head.message.full_name().to_owned(),
            Answer::Kept | Answer::Empty => "google.protobuf.Empty".to_owned(),
            Answer::Own(_) | Answer::Passages(..) => format!("{}.{}Response", head.package(), self.method_name(head)),
        }
    }

    /// The route: the package as a path, then the pattern.
    pub(crate) fn route(self, head: &Head) -> Route {
        let definition = &self.definition().route;
        let root = format!("/{}", head.package().replace('.', "/"));
        let shape = &head.pattern.shape;
        let mut path = match (&definition.place, head.pattern.parent_shape()) {
            (RoutePlace::Row(Role::Body), _) => format!("{root}/{{{}.name={shape}}}", head.singular),
            (RoutePlace::Row(role), _) => format!("{root}/{{{}={shape}}}", role.name(head)),
            (RoutePlace::Collection, Some(parent)) => format!("{root}/{{parent={parent}}}/{}", head.pattern.collection),
            (RoutePlace::Collection, None) => format!("{root}/{}", head.pattern.collection),
        };
        let own = self.transition(head).map(|written| naming::lower_camel(&written.name));
        if let Some(verb) = own.as_deref().or(definition.verb) {
            path = format!("{path}:{verb}");
        }
        let body = match definition.body {
            RouteBody::None => None,
            RouteBody::Whole => Some("*".to_owned()),
            RouteBody::Field(role) => Some(role.name(head).into_owned()),
        };
        Route { method: definition.method, path, body }
    }
}

/// A derived route. Shown as the value of `google.api.http`.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{{{}: \"{}\"", self.method, self.path)?;
        self.body.as_ref().map_or(Ok(()), |body| write!(f, " body: \"{body}\""))?;
        f.write_str("}")
    }
}

impl FieldType {
    /// Whether a written field has this type.
    pub(crate) fn fits(self, field: &FieldDescriptor, head: &Head) -> bool {
        let list = matches!(
            self,
            FieldType::Resources
                | FieldType::Strings
                | FieldType::Transforms
                | FieldType::Requests(_)
                | FieldType::Passages
        );
        let kind = match (self, field.kind()) {
            (FieldType::String | FieldType::Strings, Kind::String)
            | (FieldType::Int32, Kind::Int32)
            | (FieldType::Bool, Kind::Bool) => true,
            (FieldType::FieldMask, Kind::Message(message)) => message.full_name() == "google.protobuf.FieldMask",
            (FieldType::Resource | FieldType::Resources, Kind::Message(message)) => message == head.message,
            (FieldType::Transforms, Kind::Message(message)) => message.full_name() == "mainstay.v1.FieldTransform",
            (FieldType::Timestamp, Kind::Message(message)) => message.full_name() == "google.protobuf.Timestamp",
            (FieldType::Passages, Kind::Message(message)) => {
                message.full_name() == format!("{}.{}", head.package(), passage(head))
            }
            (FieldType::Requests(verb), Kind::Message(message)) => message.full_name() == verb.input(head),
            _ => false,
        };
        if self == FieldType::Expanded {
            return is_expanded(field);
        }
        kind && field.is_list() == list && !field.is_map() && !field.is_group()
    }

    /// The type as written in a `.proto` file of the resource's package.
    pub(crate) fn written(self, head: &Head) -> String {
        match self {
            FieldType::String => "string".into(),
            FieldType::Int32 => "int32".into(),
            FieldType::Bool => "bool".into(),
            FieldType::FieldMask => "google.protobuf.FieldMask".into(),
            FieldType::Resource => head.name_in_package().to_owned(),
            FieldType::Resources => format!("repeated {}", head.name_in_package()),
            FieldType::Strings => "repeated string".into(),
            FieldType::Transforms => "repeated .mainstay.v1.FieldTransform".into(),
            FieldType::Timestamp => "google.protobuf.Timestamp".into(),
            FieldType::Passages => format!("repeated {}", passage(head)),
            FieldType::Requests(verb) => format!("repeated {}Request", verb.method_name(head)),
            FieldType::Expanded => "map<string, google.protobuf.Any>".into(),
        }
    }
}

/// Whether a written field is a map of resources by their names.
fn is_expanded(field: &FieldDescriptor) -> bool {
    let is_any = |kind: Kind| kind.as_message().is_some_and(|message| message.full_name() == "google.protobuf.Any");
    field.is_map()
        && field.kind().as_message().is_some_and(|entry| {
            entry.map_entry_key_field().kind() == Kind::String && is_any(entry.map_entry_value_field().kind())
        })
}

impl Field {
    /// The field as a line of a `.proto` file, without annotations: `string name = 1;`.
    pub(crate) fn line(&self, head: &Head) -> String {
        format!("{} {} = {};", self.role.ty().written(head), self.role.name(head), self.number)
    }
}

/// `order_line` to `order line`.
pub(crate) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}
