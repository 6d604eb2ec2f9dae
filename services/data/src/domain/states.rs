//! The states that a client sends with a row: nobody sets them, transitions change them (AIP-216).

use mainstay_record::{Value, Violation};
use mainstay_wire::Decoded;

use super::context::Operation;
use super::record::in_request;
use crate::error::{Error, Result};
use crate::plans::ResourcePlan;

/// A state that was sent: its column, and the number.
pub type Sent = (usize, Value);

/// The states that were sent with a row; `is_meant` says whether a column is meant at all.
pub fn sent(plan: &ResourcePlan, decoded: &Decoded, is_meant: impl Fn(usize) -> bool) -> Vec<Sent> {
    let columns = plan.resource.states.iter().map(|states| states.column);
    let was_sent = columns.filter(|column| is_meant(*column) && decoded.present.binary_search(column).is_ok());
    was_sent.map(|column| (column, decoded.values[column].clone())).collect()
}

/// Refuses states that a client sent and the row has not. The system may set them: it makes rows of a seed.
pub fn check(op: &Operation, sent: &[Sent], row: &[Value]) -> Result<()> {
    let resource = &op.plan().resource;
    let differs = |(column, state): &&Sent| !op.caller.is_system() && row[*column] != *state;
    let violation = |(column, _): &Sent| {
        let states = resource.states.iter().position(|states| states.column == *column)?;
        let field = in_request(op.plan(), &resource.states[states].field);
        let own = resource.transitions.iter().filter(|transition| transition.states == states);
        let methods: Vec<&str> = own.map(|transition| transition.method.as_str()).collect();
        let description = match methods.as_slice() {
            [] => "is a state, which nothing changes: leave it out".to_owned(),
            methods => format!("is a state, which transitions alone change: call {}", methods.join(", ")),
        };
        Some(Violation { field, description })
    };
    let violations: Vec<Violation> = sent.iter().filter(differs).filter_map(violation).collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
}
