//! The table of methods: what every method of a contract is, and what those are that a resource gets.
//!
//! A method of resources is one file here, which says all that is fixed about it: its name, its fields with their numbers,
//! what it answers, its route. The derived `.proto`, the binding of written services, the readers of requests and the
//! routes are views of that.

mod batch_create;
mod batch_delete;
mod batch_get;
mod batch_update;
pub mod commit;
mod create;
mod definition;
mod delete;
mod fields;
mod get;
mod history;
pub(crate) mod input;
mod list;
mod request;
mod transition;
mod undelete;
mod update;

use prost_reflect::MethodDescriptor;
use prost_types::method_options::IdempotencyLevel;

pub(crate) use definition::{Answer, Definition, Message, spaced};
pub(crate) use fields::Field;
use fields::FieldType;
pub use fields::{EXPANDED, EXPANDED_IN_ROW, Fields, NEXT_PAGE_TOKEN, Role, SEARCH, UPDATE_MASK};
pub use input::FIRST_INPUT;
pub use request::Request;

use crate::callers::Callers;
use crate::http::{self, Route};
use crate::naming;
use crate::reserved::is_reserved_package;
use crate::upstream::upstream_of;

/// The number of the field that the rows of a batch's answer are in.
pub const BATCH_ROWS: u32 = match Verb::BatchGet.answer() {
    Some(fields) => fields.number(Role::Rows),
    None => panic!("a batch has an answer of its own"),
};

/// What a method does with the rows of a resource (AIP-131 to 135, AIP-164, AIP-231 to 235).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub enum Verb {
    Get,
    List,
    Create,
    Update,
    Delete,
    Undelete,
    BatchGet,
    BatchCreate,
    BatchUpdate,
    BatchDelete,
    /// What happened to a row.
    History,
    /// One of the resource's own transitions, told by its place among them (AIP-216).
    Transition(u16),
}

impl Verb {
    /// Every verb that has one name for all resources, in the order in which services have them.
    pub const ALL: [Verb; 11] = [
        Verb::Get,
        Verb::List,
        Verb::Create,
        Verb::Update,
        Verb::Delete,
        Verb::Undelete,
        Verb::BatchGet,
        Verb::BatchCreate,
        Verb::BatchUpdate,
        Verb::BatchDelete,
        Verb::History,
    ];

    /// What is fixed about it. The one place that knows which file a verb is in.
    pub(crate) const fn definition(self) -> &'static Definition {
        match self {
            Verb::Get => &get::GET,
            Verb::List => &list::LIST,
            Verb::Create => &create::CREATE,
            Verb::Update => &update::UPDATE,
            Verb::Delete => &delete::DELETE,
            Verb::Undelete => &undelete::UNDELETE,
            Verb::BatchGet => &batch_get::BATCH_GET,
            Verb::BatchCreate => &batch_create::BATCH_CREATE,
            Verb::BatchUpdate => &batch_update::BATCH_UPDATE,
            Verb::BatchDelete => &batch_delete::BATCH_DELETE,
            Verb::History => &history::HISTORY,
            Verb::Transition(_) => &transition::TRANSITION,
        }
    }

    /// The verb as the beginning of a method's name: `BatchGet`.
    pub const fn word(self) -> &'static str {
        self.definition().word
    }

    /// The verb in lower snake case, as files and reports have it: `batch_get`.
    pub fn snake(self) -> String {
        naming::snake(self.word())
    }

    /// The fields of its request.
    pub const fn request(self) -> &'static Fields {
        &self.definition().request
    }

    /// The fields of its answer, where that is a message of its own.
    pub const fn answer(self) -> Option<&'static Fields> {
        match &self.definition().answer {
            Answer::Own(fields) | Answer::Passages(fields, _) => Some(fields),
            Answer::Resource | Answer::Kept | Answer::Empty => None,
        }
    }
}

impl Verb {
    /// The verb that a batch does many times, each by a whole request; nothing of a verb that takes no requests.
    pub fn repeats(self) -> Option<Verb> {
        self.request().list.iter().find_map(|field| match field.role.ty() {
            FieldType::Requests(verb) => Some(verb),
            _ => None,
        })
    }
}

impl Verb {
    /// The fields of what its answer is a list of, where that is neither rows nor texts.
    pub const fn element(self) -> Option<&'static Fields> {
        match &self.definition().answer {
            Answer::Passages(_, element) => Some(element),
            _ => None,
        }
    }
}

/// What a method is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// The rows of a resource, told by its index in `Contract::resources`.
    Resource { verb: Verb, resource: usize },
    /// Several writes of the package with this index in `Contract::commits`.
    Commit { commit: usize },
    /// Nothing that the contract gives it: its service says what it does.
    Own,
}

impl Shape {
    /// The resource that it is about.
    pub fn resource(self) -> Option<usize> {
        match self {
            Shape::Resource { resource, .. } => Some(resource),
            Shape::Commit { .. } | Shape::Own => None,
        }
    }

    /// What it does with that resource.
    pub fn verb(self) -> Option<Verb> {
        match self {
            Shape::Resource { verb, .. } => Some(verb),
            Shape::Commit { .. } | Shape::Own => None,
        }
    }
}

/// What of a resource's access rules a method asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Read,
    Create,
    Update,
    Delete,
    /// That of a transition.
    Transition(u16),
}

impl Verb {
    /// The rule by which it is decided who may. Who may delete a row may bring it back.
    pub fn right(self) -> Right {
        match self {
            Verb::Get | Verb::List | Verb::BatchGet | Verb::History => Right::Read,
            Verb::Create | Verb::BatchCreate => Right::Create,
            Verb::Update | Verb::BatchUpdate => Right::Update,
            Verb::Delete | Verb::BatchDelete | Verb::Undelete => Right::Delete,
            Verb::Transition(which) => Right::Transition(which),
        }
    }
}

/// Which of its sides streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streams {
    pub client: bool,
    pub server: bool,
}

impl Streams {
    /// Says whether one does.
    pub fn any(self) -> bool {
        self.client || self.server
    }
}

/// Who decides who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Everybody may come; the rules of the resource decide on each row.
    Rules,
    /// `(mainstay.v1.auth)`, which stands at the method. One that says nothing lets nobody in.
    Stated,
}

/// One method of a gRPC service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// `shop.v1.ProductService`
    pub service: String,
    /// `GetProduct`
    pub name: String,
    /// `/shop.v1.ProductService/GetProduct`
    pub path: String,
    pub shape: Shape,
    /// Full name of the request message.
    pub input: String,
    /// Full name of the answer.
    pub output: String,
    /// Its HTTP routes, without those that cannot be parsed.
    pub http: Vec<Route>,
    pub streams: Streams,
    /// The upstream that answers it; nothing of a method that the platform answers.
    pub upstream: Option<String>,
    pub policy: Policy,
    /// Who may call it, where its policy is stated.
    pub callers: Callers,
    /// Whether a call may change something. What says that it does not (`NO_SIDE_EFFECTS`) may be asked by GET wherever a protocol
    /// has that.
    pub side_effects: bool,
}

impl Method {
    /// Reads what a method's descriptor says of it.
    pub fn of(descriptor: &MethodDescriptor, shape: Shape) -> Method {
        let service = descriptor.parent_service();
        let upstream = upstream_of(service);
        let is_stated = upstream.is_some() || is_reserved_package(service.package_name());
        let policy = if is_stated { Policy::Stated } else { Policy::Rules };
        Method {
            service: service.full_name().to_owned(),
            name: descriptor.name().to_owned(),
            path: format!("/{}/{}", service.full_name(), descriptor.name()),
            shape,
            input: descriptor.input().full_name().to_owned(),
            output: descriptor.output().full_name().to_owned(),
            http: http::routes(descriptor).into_iter().flatten().collect(),
            streams: Streams { client: descriptor.is_client_streaming(), server: descriptor.is_server_streaming() },
            upstream,
            policy,
            callers: if is_stated { Callers::of(descriptor) } else { Callers::Nobody },
            side_effects: has_side_effects(descriptor),
        }
    }
}

/// Whether a method does not say that it changes nothing.
pub(crate) fn has_side_effects(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_none_or(|options| options.idempotency_level() != IdempotencyLevel::NoSideEffects)
}
