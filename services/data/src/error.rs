//! What can go wrong in the data service, in its own words, and the one mapping to a reason.

use std::sync::Arc;

use mainstay_fault::{Fault, Reason};
use mainstay_record::Violation;
use mainstay_wire as wire;

use crate::domain::clash::Clash;
use crate::domain::illegal::Illegal;
use crate::domain::page_token::TokenError;
use crate::domain::place::Place;
use crate::domain::record_size::MAX_FOUND_BYTES;
use crate::plans::{QueryError, ResourcePlan};
use crate::rights::Denial;

/// What can go wrong when a method of an application's resource is called.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("denied: {0:?}")]
    Denied(Denial),
    #[error("something was found wrong with the request on its way here")]
    Defects(Arc<Fault>),
    #[error("the request's bytes are not a message of its type")]
    Malformed(#[source] wire::WireError),
    #[error("`{name}` is not a name of the form `{pattern}`")]
    Name { field: String, name: String, pattern: String },
    #[error("`{id}` is not a valid id")]
    Id { field: String, id: String },
    #[error("{} fields are not valid", .0.len())]
    Violations(Vec<Violation>),
    #[error("immutable fields would change: {0:?}")]
    Immutable(Vec<String>),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the field mask is not valid")]
    Mask { field: &'static str, error: wire::MaskError },
    /// `field` is where the request names it.
    #[error("`{name}` is a field that the caller does not see")]
    Unseen { field: &'static str, name: String },
    /// The caller may write the row, and not this field of it; `field` is its path in the request.
    #[error("the caller may not set `{field}`")]
    FieldDenied { field: String },
    /// The rows belong to organisations, and the caller acts in none.
    #[error("the caller acts in no organisation")]
    NoOrganisation,
    #[error("a value that the page is ordered by is too long for a page token")]
    LongOrder,
    #[error("the page size is negative")]
    PageSize,
    #[error("the page token is refused")]
    PageToken(#[source] TokenError),
    #[error("`{field}` is not supported yet")]
    NotSupported { field: &'static str },
    #[error("the etag does not match")]
    EtagMismatch,
    #[error("a resource of this name exists")]
    AlreadyExists { name: String },
    /// It is kept, but not changed any more.
    #[error("the resource is deleted")]
    Deleted { name: String },
    #[error("the resource is not deleted")]
    NotDeleted { name: String },
    /// With the clash it may be that something else is broken, too, and comes first.
    #[error("another row has these values already, or a time that overlaps")]
    Unique { fields: Vec<String>, overlap: bool, clash: Option<Box<Clash>> },
    #[error("a referenced resource does not exist, or the caller may not read it")]
    ReferenceNotFound { field: String, name: String },
    /// A foreign key is violated; which one is found out after the transaction.
    #[error("a reference of the record names nothing")]
    Dangling {
        record: Vec<mainstay_record::Value>,
        #[source]
        source: mainstay_db::Error,
    },
    /// `exists` says whether it should.
    #[error("a precondition does not hold")]
    Precondition { name: String, exists: bool },
    #[error("a reference would lead back to where it began")]
    Cycle { field: String, name: String },
    #[error("more references would follow one another than may")]
    TooDeep { field: String, most: usize },
    #[error("the resource is in a state in which the transition does not begin")]
    IllegalTransition(Box<Illegal>),
    #[error("the guard of a transition does not hold")]
    GuardRefused { transition: String },
    /// The fields, as the request names them, that lead to what cannot be. What it is there is not the caller's to know.
    #[error("what an effect would make of a row is not valid")]
    EffectRefused { fields: Vec<String> },
    /// The same while somebody else makes that very row: another look finds it.
    #[error("a row that an effect makes was made by somebody else")]
    EffectOvertaken { fields: Vec<String> },
    #[error("more rows would change with this one than may")]
    TooManyBrought { most: usize },
    #[error("other resources refer to this one")]
    StillReferenced { name: String, by: Keeper },
    #[error("more rows would go with this one than may")]
    TooManyAlong { name: String, most: usize },
    /// Some of the elements of a request, each at its place, were refused by the same check.
    #[error("{} elements of the request are refused", .0.len())]
    Elements(Vec<(Place, Error)>),
    #[error("the rows of the request are too large together")]
    TooMuch,
    #[error("the request id was used with another request")]
    RequestIdReused,
    #[error("the statement was made for another revision of the schema")]
    StaleSchema(#[source] mainstay_db::Error),
    #[error("a check was taken before another that it rests on")]
    OutOfTurn,
    #[error("a stored value is damaged")]
    Damaged(#[source] wire::EncodeError),
    #[error("a key could not be used")]
    Key(#[source] mainstay_keys::Error),
    #[error("storage")]
    Storage(#[source] mainstay_db::Error),
}

/// The row that keeps another one from being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// The store says that there is one, and it has not been looked for.
    Unknown,
    /// The caller may read none that there is.
    Hidden,
    /// The first that the caller may read, by its name.
    Seen(String),
}

impl From<Option<String>> for Keeper {
    fn from(seen: Option<String>) -> Keeper {
        seen.map_or(Keeper::Hidden, Keeper::Seen)
    }
}

/// What the handlers of this service answer with.
pub type Result<T> = std::result::Result<T, Error>;

impl From<mainstay_db::Error> for Error {
    fn from(error: mainstay_db::Error) -> Error {
        match error {
            error @ mainstay_db::Error::StaleSchema(_) => Error::StaleSchema(error),
            other => Error::Storage(other),
        }
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Error {
        Error::Denied(denial)
    }
}

impl From<wire::WireError> for Error {
    fn from(error: wire::WireError) -> Error {
        Error::Malformed(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Denied(Denial::Unauthenticated) => Fault::new(Reason::Unauthenticated),
            Error::Denied(Denial::PermissionDenied) => Fault::new(Reason::PermissionDenied),
            Error::Denied(Denial::NotFound) => Fault::new(Reason::ResourceNotFound),
            Error::Defects(defects) => defects.again(),
            Error::Malformed(_) => Fault::new(Reason::MalformedRequest).message(error.cause_text()),
            Error::Name { ref field, ref name, ref pattern } => Fault::new(Reason::InvalidName)
                .message(format!("`{}` is not a name of the form `{pattern}`", shown(name)))
                .violation(field.as_str(), format!("must have the form `{pattern}`")),
            Error::Id { field, ref id } => Fault::new(Reason::InvalidName)
                .message(format!("`{}` is not a valid id", shown(id)))
                .violation(field, ID_RULE),
            Error::Violations(violations) => violations
                .into_iter()
                .fold(Fault::new(Reason::FieldViolation), |fault, v| fault.violation(v.field, v.description)),
            Error::Immutable(fields) => immutable(fields),
            Error::Query(QueryError::Filter { source_text, problem }) => {
                problem_fault(Reason::InvalidFilter, "filter", &source_text, &problem)
            }
            Error::Query(QueryError::OrderBy { source_text, problem }) => {
                problem_fault(Reason::InvalidOrderBy, "order_by", &source_text, &problem)
            }
            Error::Mask { field, error } => mask(field, error.to_string()),
            Error::Unseen { field, name } => unseen(field, &name),
            Error::FieldDenied { field } => field_denied(field),
            Error::NoOrganisation => no_organisation(),
            Error::LongOrder => long_order(),
            Error::PageSize => page_size(),
            Error::PageToken(token) => Fault::new(Reason::InvalidPageToken)
                .message(token.to_string())
                .violation("page_token", token.to_string()),
            Error::NotSupported { field } => not_supported(field),
            Error::EtagMismatch => Fault::new(Reason::EtagMismatch),
            Error::Deleted { name } => Fault::new(Reason::ResourceDeleted).meta("name", name),
            Error::NotDeleted { name } => not_deleted(name),
            Error::AlreadyExists { name } => Fault::new(Reason::AlreadyExists).meta("name", name),
            Error::Unique { fields, overlap, .. } => unique(fields, overlap),
            Error::ReferenceNotFound { field, name } => reference_not_found(field, &name),
            Error::Cycle { field, name } => cycle(field, &name),
            Error::TooDeep { field, most } => too_deep(field, most),
            Error::Precondition { name, exists } => precondition(&name, exists),
            Error::StillReferenced { name, by } => still_referenced(&name, &by),
            Error::TooManyAlong { name, most } => too_many_along(&name, most),
            Error::IllegalTransition(illegal) => illegal_transition(*illegal),
            Error::GuardRefused { transition } => guard_refused(transition),
            Error::EffectRefused { fields } | Error::EffectOvertaken { fields } => effect_refused(fields),
            Error::TooManyBrought { most } => too_many_brought(most),
            Error::Elements(refused) => elements(refused),
            Error::TooMuch => too_much(),
            Error::RequestIdReused => Fault::new(Reason::RequestIdReused)
                .violation("request_id", "was used with another request; make a new one for each request"),
            Error::Dangling { source, .. } => Fault::internal(source),
            Error::StaleSchema(source) => Fault::unavailable(source),
            error @ Error::OutOfTurn => Fault::internal(error),
            Error::Damaged(source) => Fault::new(Reason::DataDamaged).with_source(source),
            Error::Key(source) => Fault::internal(source),
            Error::Storage(source) => storage_fault(source),
        }
    }
}

fn mask(field: &'static str, text: String) -> Fault {
    Fault::new(Reason::InvalidMask).message(text.clone()).violation(field, text)
}

impl Error {
    /// Says whether what was to be made is there already.
    pub(crate) fn is_taken_name(&self) -> bool {
        match self {
            Error::AlreadyExists { .. } => true,
            Error::Elements(refused) => refused.iter().any(|(_, error)| error.is_taken_name()),
            _ => false,
        }
    }

    /// Says whether somebody else made a row that an effect was about to make.
    pub(crate) fn is_overtaken(&self) -> bool {
        match self {
            Error::EffectOvertaken { .. } => true,
            Error::Elements(refused) => refused.iter().any(|(_, error)| error.is_overtaken()),
            _ => false,
        }
    }

    /// A parent's name that has not the form that it should have.
    pub(crate) fn parent(plan: &ResourcePlan, name: &str) -> Error {
        let pattern = plan.parent_pattern().to_owned();
        Error::Name { field: "parent".to_owned(), name: name.to_owned(), pattern }
    }

    fn cause_text(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), ToString::to_string)
    }
}

/// What is compared has to be seen wherever it is.
fn unseen(field: &str, name: &str) -> Fault {
    let (reason, where_) = match field {
        "filter" => (Reason::InvalidFilter, " in every row"),
        "order_by" => (Reason::InvalidOrderBy, " in every row"),
        _ => (Reason::InvalidMask, ""),
    };
    let text = format!("names `{name}`, which you may not read{where_}; leave it out");
    Fault::new(reason).message(format!("{field} {text}")).violation(field, text)
}

fn no_organisation() -> Fault {
    let text = "these belong to organisations, and you act in none: choose the one that you act in, or found one";
    Fault::new(Reason::PermissionDenied).message(text)
}

fn field_denied(field: String) -> Fault {
    Fault::new(Reason::PermissionDenied).message(format!("you may not set `{field}`")).meta("field", field)
}

fn long_order() -> Fault {
    Fault::new(Reason::InvalidOrderBy)
        .message("a field in order_by holds a text that is too long to page by; order by a shorter field")
        .violation("order_by", "names a field with values that are too long to page by")
}

/// The first element says what is wrong; the others add the fields that it is wrong with. The metadata `element` names the
/// first where no field does.
fn elements(refused: Vec<(Place, Error)>) -> Fault {
    let mut faults = refused.into_iter().map(|(place, error)| {
        let fault = Fault::from(error).within(|field| place.field(field));
        if fault.violations().is_empty() { fault.meta("element", place.element()) } else { fault }
    });
    let first = faults.next().unwrap_or_else(|| Fault::internal(Error::OutOfTurn));
    if first.violations().is_empty() {
        return first;
    }
    faults.fold(first, |first, next| {
        next.violations()
            .iter()
            .fold(first, |first, violation| first.violation(&*violation.field, &*violation.description))
    })
}

/// A field's path from the resource, as the metadata `field` has it, where violations have it from the request.
fn of_resource(field: &str) -> &str {
    field.split_once('.').map_or(field, |(_, field)| field)
}

/// What an id may be (AIP-122), as violations say it.
pub const ID_RULE: &str =
    "must be 1 to 63 characters of a-z, 0-9 and `-`, begin with a letter or digit and end with one, or be left out";

/// What is said of a statement that ran into its limit: the same again would do no better.
const TOOK_TOO_LONG: &str =
    "the query takes longer than it may; ask for less of it, by a narrower filter or an order that an index has";

/// Gives storage errors their reasons.
pub fn storage_fault(error: mainstay_db::Error) -> Fault {
    match error {
        mainstay_db::Error::CommitUnknown { .. } => Fault::new(Reason::CommitUnknown).with_source(error),
        mainstay_db::Error::Overloaded { .. } => {
            Fault::new(Reason::Overloaded).retry_after(std::time::Duration::from_secs(1)).with_source(error)
        }
        mainstay_db::Error::Conflict { .. } => Fault::new(Reason::Conflict).with_source(error),
        mainstay_db::Error::StatementTimeout(_) => {
            Fault::new(Reason::DeadlineExceeded).message(TOOK_TOO_LONG).with_source(error)
        }
        mainstay_db::Error::Corrupt { .. } => Fault::new(Reason::DataDamaged).with_source(error),
        error if error.is_transient() => Fault::unavailable(error),
        error => Fault::internal(error),
    }
}

fn reference_not_found(field: String, name: &str) -> Fault {
    Fault::new(Reason::ReferenceNotFound)
        .message(format!("there is no `{}`", shown(name)))
        .meta("field", of_resource(&field))
        .meta("name", clipped(name, MAX_NAME))
        .violation(field, "names a resource that does not exist")
}

/// A row that another one keeps from being deleted; which one is told where the caller may read it.
fn still_referenced(name: &str, by: &Keeper) -> Fault {
    let fault = Fault::new(Reason::StillReferenced).meta("name", clipped(name, MAX_NAME));
    let Keeper::Seen(by) = by else { return fault };
    fault.message(format!("`{}` refers to it or lies below it", shown(by))).meta("by", clipped(by, MAX_NAME))
}

/// A deletion that would take more rows along than it may.
fn too_many_along(name: &str, most: usize) -> Fault {
    Fault::new(Reason::StillReferenced)
        .message(format!("more than {most} resources would go with it or change; delete some of them first"))
        .meta("name", clipped(name, MAX_NAME))
}

fn not_supported(field: &'static str) -> Fault {
    Fault::new(Reason::Unimplemented)
        .message(format!("`{field}` is not supported yet"))
        .violation(field, "is not supported yet; leave it out")
}

/// A reference that would lead back to where it began, by way of the row of this name.
fn cycle(field: String, name: &str) -> Fault {
    Fault::new(Reason::Cycle)
        .message(format!("`{}` is the resource itself, or refers to it in the end", shown(name)))
        .meta("field", of_resource(&field))
        .meta("name", clipped(name, MAX_NAME))
        .violation(field, "would lead back to where it began")
}

fn too_deep(field: String, most: usize) -> Fault {
    Fault::new(Reason::TooDeep)
        .meta("field", of_resource(&field))
        .meta("most", most.to_string())
        .violation(field, format!("with it, more than {most} would follow one another"))
}

/// A precondition on the row of this name, which should exist or should not.
fn precondition(name: &str, exists: bool) -> Fault {
    let message = if exists {
        format!("there is no `{}`, which a precondition wants to exist", shown(name))
    } else {
        format!("there is `{}`, which a precondition wants to be absent", shown(name))
    };
    Fault::new(Reason::FailedPrecondition).message(message).meta("name", clipped(name, MAX_NAME))
}

fn not_deleted(name: String) -> Fault {
    Fault::new(Reason::AlreadyExists).message("the resource is not deleted").meta("name", name)
}

fn guard_refused(transition: String) -> Fault {
    Fault::new(Reason::GuardRefused)
        .message(format!("the resource does not fulfil what {transition} needs"))
        .meta("transition", transition)
}

/// What comes with a write that cannot be. It says where in the caller's row, and nothing of the row that it would be in.
fn effect_refused(fields: Vec<String>) -> Fault {
    let first = fields.first().map(|field| of_resource(field).to_owned()).unwrap_or_default();
    let fault = Fault::new(Reason::EffectRefused).meta("field", first);
    fields.into_iter().fold(fault, |fault, field| fault.violation(field, "brings with it what is not possible now"))
}

fn page_size() -> Fault {
    Fault::new(Reason::InvalidArgument)
        .message("page_size must not be negative")
        .violation("page_size", "must not be negative; leave it out for the default")
}

fn too_many_brought(most: usize) -> Fault {
    Fault::new(Reason::EffectRefused)
        .message(format!("more than {most} resources would change with this; write fewer at once"))
}

/// A transition that does not begin where the row is.
fn illegal_transition(illegal: Illegal) -> Fault {
    let Illegal { name, transition, state, from, allowed } = illegal;
    let there_are =
        if allowed.is_empty() { "there is none".to_owned() } else { format!("there are {}", allowed.join(", ")) };
    let message = format!(
        "`{}` is {state}, and {transition} begins in {}; from {state} {there_are}",
        shown(&name),
        from.join(" or ")
    );
    Fault::new(Reason::IllegalTransition)
        .message(message)
        .meta("name", clipped(&name, MAX_NAME))
        .meta("transition", transition)
        .meta("state", state)
        .meta("from", from.join(","))
        .meta("allowed", allowed.join(","))
}

/// The write with which a request is about more than it may.
fn too_much() -> Fault {
    let most = MAX_FOUND_BYTES >> 20;
    let description =
        format!("is about a row with which those of the request take more than {most} MiB; write fewer at once");
    Fault::new(Reason::FieldViolation).violation("", description)
}

fn immutable(fields: Vec<String>) -> Fault {
    fields.into_iter().fold(Fault::new(Reason::ImmutableField), |fault, field| {
        fault.violation(field, "is immutable: it keeps the value that it was created with")
    })
}

/// Another row that has the values of these fields already, or a time that overlaps with that of the row.
fn unique(fields: Vec<String>, overlap: bool) -> Fault {
    let listed = fields.iter().map(|field| of_resource(field)).collect::<Vec<_>>().join(",");
    let (reason, what) = match overlap {
        true => (Reason::Overlap, "another resource has a time that overlaps"),
        false => (Reason::UniqueViolation, "another resource has this value"),
    };
    fields.into_iter().fold(Fault::new(reason).meta("field", listed), |fault, field| fault.violation(field, what))
}

/// The longest name that an error's metadata repeats, in characters: longer than those of rows that can be.
const MAX_NAME: usize = 512;

/// A client's text as an error may repeat it.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    clipped(text, MOST)
}

/// A text without control characters, cut where it is too long.
fn clipped(text: &str, most: usize) -> String {
    let clean: String = text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > most { format!("{clean}…") } else { clean }
}

/// Points at the column (in characters, from 1) where a filter or an order goes wrong.
fn problem_fault(reason: Reason, field: &'static str, source: &str, problem: &mainstay_expr::Problem) -> Fault {
    let column = source.get(..problem.span.start).map_or(1, |before| before.chars().count() + 1);
    let mut text = format!("column {column}: {}", problem.message);
    if let Some(help) = &problem.help {
        text.push_str("; ");
        text.push_str(help);
    }
    Fault::new(reason).message(format!("{field}, {text}")).meta("column", column.to_string()).violation(field, text)
}
