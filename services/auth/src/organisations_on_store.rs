//! Organisations, for the command line on a store that it has opened itself.

use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;

use crate::auth::Auth;
use crate::domain::organisation::{ORGANISATIONS, OrganisationId};
use crate::error::Error;
use crate::handlers::governing::on_store;

impl Auth {
    /// Lists organisations.
    pub async fn list_organisations(
        &self,
        request: pb::ListOrganisationsRequest,
    ) -> Result<pb::ListOrganisationsResponse, Error> {
        on_store::list(self.core(), request).await
    }

    /// Shows the organisation of this name, and at most so many of its members.
    pub async fn show_organisation(&self, name: &str, most: u16) -> Result<(pb::Organisation, Vec<pb::Member>), Error> {
        on_store::show(self.core(), id(name)?, most.into()).await
    }

    /// Ends the membership of the account that has this address.
    pub async fn remove_member(&self, name: &str, email: &str) -> Result<(), Error> {
        on_store::remove_member(self.core(), id(name)?, email).await
    }

    /// Has nobody act in an organisation any more, or lets its members do so again.
    pub async fn set_organisation_disabled(&self, name: &str, disable: bool) -> Result<pb::Organisation, Error> {
        on_store::set_disabled(self.core(), id(name)?, disable).await
    }
}

/// Reads `organisations/{uid}`.
fn id(name: &str) -> Result<OrganisationId, Error> {
    let problem = "is not `organisations/` with a UUID in lower-case hyphenated form";
    let malformed = || Error::Violations(vec![Violation::new("name", problem)]);
    name.strip_prefix(ORGANISATIONS).and_then(|uid| uid.parse().ok()).ok_or_else(malformed)
}
