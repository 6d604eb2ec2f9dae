//! One statement of a write that has several.

use std::sync::Arc;

use mainstay_record::Value;

use crate::error::Error;
use crate::statement::Statement;

/// One statement of a write, with its values.
#[derive(Debug, Clone)]
pub struct Step {
    pub statement: Arc<Statement>,
    pub binds: Arc<[Value]>,
}

/// Why steps were not stored. Nothing of the others is.
#[derive(Debug, thiserror::Error)]
#[error("step {at:?} of a write failed")]
pub struct StepError {
    /// Which one failed; none where it was none of them.
    pub at: Option<usize>,
    #[source]
    pub error: Error,
}

impl From<Error> for StepError {
    fn from(error: Error) -> StepError {
        StepError { at: None, error }
    }
}
