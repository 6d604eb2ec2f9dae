//! The fields of requests and answers by what they are for.

use std::borrow::Cow;

pub use mainstay_wire::UPDATE_MASK;

use super::Verb;
use crate::resource::head::Head;

/// The field of a page by which the next one is asked for.
pub const NEXT_PAGE_TOKEN: &str = "next_page_token";

/// The field of a List for words to search for: its place is fixed, and who sets it is told that it is not there yet.
pub const SEARCH: &str = "search";

/// The field of an answer that holds what its references led to.
pub const EXPANDED: &str = "expanded";

/// What a field of a request or an answer is for, whatever it is called and whichever number it has there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    /// Which row, by its resource name.
    Name,
    /// What the rows lie below.
    Parent,
    /// The last part of a new row's name: `product_id`.
    Id,
    /// The resource itself: `product`.
    Body,
    /// Which of its fields are meant.
    Mask,
    /// The version of the row that is meant (AIP-154).
    Etag,
    /// Tells the call from others (AIP-155).
    RequestId,
    /// Nothing is to be done (AIP-163).
    ValidateOnly,
    AllowMissing,
    Force,
    PageSize,
    PageToken,
    Filter,
    OrderBy,
    ShowDeleted,
    Search,
    /// Which rows, by their names.
    Names,
    /// Whole requests to create, in a batch.
    Creates,
    /// Whole requests to update, in a batch.
    Updates,
    /// Changes that are computed from what the fields are.
    Transforms,
    /// Transitions that happened, in an answer.
    Passages,
    /// Of one of them: its name, where it began and led to, who made it, when, and what was given.
    Transition,
    FromState,
    ToState,
    Actor,
    CreateTime,
    Inputs,
    /// Rows, in an answer: `products`.
    Rows,
    NextPageToken,
    /// References that the answer is to go through.
    Expand,
    /// The rows that they led to.
    Expanded,
}

/// How many roles there are.
const ROLES: usize = Role::Expanded as usize + 1;

/// The number of what a Get expands, beside the fields of the resource: `mainstay.v1.Expanded`.
pub const EXPANDED_IN_ROW: u32 = 51_911;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    String,
    Int32,
    Bool,
    FieldMask,
    Resource,
    Resources,
    Strings,
    /// `mainstay.v1.FieldTransform`s.
    Transforms,
    Timestamp,
    /// Transitions that happened.
    Passages,
    /// Whole requests of another method.
    Requests(Verb),
    /// Resources of any type, by their names.
    Expanded,
}

impl Role {
    /// The field's name for a resource.
    pub(crate) fn name(self, head: &Head) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Role::Name => "name",
            Role::Parent => "parent",
            Role::Id => return Cow::Owned(format!("{}_id", head.singular)),
            Role::Body => &head.singular,
            Role::Mask => UPDATE_MASK,
            Role::Etag => "etag",
            Role::RequestId => "request_id",
            Role::ValidateOnly => "validate_only",
            Role::AllowMissing => "allow_missing",
            Role::Force => "force",
            Role::PageSize => "page_size",
            Role::PageToken => "page_token",
            Role::Filter => "filter",
            Role::OrderBy => "order_by",
            Role::ShowDeleted => "show_deleted",
            Role::Search => SEARCH,
            Role::Names => "names",
            Role::Transforms => "transforms",
            Role::Creates | Role::Updates => "requests",
            Role::Passages => "transitions",
            Role::Transition => "transition",
            Role::FromState => "from_state",
            Role::ToState => "to_state",
            Role::Actor => "actor",
            Role::CreateTime => "create_time",
            Role::Inputs => "inputs",
            Role::Rows => &head.plural,
            Role::NextPageToken => NEXT_PAGE_TOKEN,
            Role::Expand => "expand",
            Role::Expanded => EXPANDED,
        })
    }

    /// The field's type, the same in every method.
    pub(crate) const fn ty(self) -> FieldType {
        match self {
            Role::Name
            | Role::Parent
            | Role::Id
            | Role::Etag
            | Role::RequestId
            | Role::PageToken
            | Role::Filter
            | Role::OrderBy
            | Role::Search
            | Role::Transition
            | Role::FromState
            | Role::ToState
            | Role::Actor
            | Role::NextPageToken => FieldType::String,
            Role::ValidateOnly | Role::AllowMissing | Role::Force | Role::ShowDeleted => FieldType::Bool,
            Role::PageSize => FieldType::Int32,
            Role::Mask | Role::Expand => FieldType::FieldMask,
            Role::Expanded => FieldType::Expanded,
            Role::Body | Role::Inputs => FieldType::Resource,
            Role::CreateTime => FieldType::Timestamp,
            Role::Passages => FieldType::Passages,
            Role::Rows => FieldType::Resources,
            Role::Names => FieldType::Strings,
            Role::Transforms => FieldType::Transforms,
            Role::Creates => FieldType::Requests(Verb::Create),
            Role::Updates => FieldType::Requests(Verb::Update),
        }
    }
}

/// One field of a message of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub number: u32,
    pub role: Role,
    /// Part of every shape of the method, written ones too.
    pub needed: bool,
    /// Input that a caller must give.
    pub required: bool,
    pub comment: fn(&Head) -> String,
}

impl Field {
    /// A field that a written method may leave out.
    pub(super) const fn new(number: u32, role: Role, comment: fn(&Head) -> String) -> Field {
        Field { number, role, needed: false, required: false, comment }
    }

    /// One that it has to have, and a caller has to give.
    pub(super) const fn required(number: u32, role: Role, comment: fn(&Head) -> String) -> Field {
        Field { number, role, needed: true, required: true, comment }
    }

    /// One of an answer, which is always there.
    pub(super) const fn answered(number: u32, role: Role, comment: fn(&Head) -> String) -> Field {
        Field { number, role, needed: true, required: false, comment }
    }
}

/// The fields of one message, in the order of their numbers.
#[derive(Debug)]
pub struct Fields {
    pub(crate) list: &'static [Field],
    /// By role; 0 where the message has no such field.
    numbers: [u32; ROLES],
}

impl Fields {
    /// The largest number of a field.
    pub(super) const MAX_NUMBER: u32 = 15;

    pub(super) const fn new(list: &'static [Field]) -> Fields {
        let mut numbers = [0; ROLES];
        let mut position = 0;
        while position < list.len() {
            let Field { number, role, .. } = list[position];
            assert!(number >= 1 && number <= Fields::MAX_NUMBER && numbers[role as usize] == 0);
            numbers[role as usize] = number;
            position += 1;
        }
        Fields { list, numbers }
    }

    /// The number of the field with this role; 0, which no field has, where there is none.
    pub const fn number(&self, role: Role) -> u32 {
        self.numbers[role as usize]
    }

    /// The field with this number.
    pub(super) fn field(&self, number: u32) -> Option<&'static Field> {
        self.list.iter().find(|field| field.number == number)
    }
}
