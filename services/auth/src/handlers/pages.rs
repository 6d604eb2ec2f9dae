//! How long a page is.

use mainstay_record::Violation;

use crate::error::Error;

/// How many things a page has where nobody says, and at most.
const PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 100;

/// Reads what a request asks for.
pub(super) fn page_size(given: i32) -> Result<usize, Error> {
    match usize::try_from(given) {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) => Ok(size.min(MAX_PAGE_SIZE)),
        Err(_) => Err(Error::Violations(vec![Violation::new("page_size", "must not be negative")])),
    }
}
