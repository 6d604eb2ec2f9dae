//! HTTP requests to request messages, answers to JSON. Pure: bytes in, bytes out.

mod errors;
mod query;
mod raw;
mod request;
mod response;

pub use errors::{Defective, Origin, json_fault};
pub use query::{MAX_QUERY_PARAMETERS, Parameter, QueryError, parameters};
pub use raw::{RawBody, raw};
pub use request::{Precondition, RequestParts, Transcoded, request};
pub use response::{LONG_MESSAGE_BYTES, Text, Wanted, answer, element, json, selection, text};
