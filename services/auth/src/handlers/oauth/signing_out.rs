//! Where a browser is led once its session has ended (OpenID Connect RP-Initiated Logout 1.0).

use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::failed::Failed;
use super::opened::hint;
use super::proof::find;
use super::provider::issuer;
use crate::core::Core;
use crate::domain::oauth::request::MAX_STATE_BYTES;
use crate::domain::oauth::uris;
use crate::error::Error;

pub(super) async fn begin(
    core: &Core,
    request: Request<pb::BeginSignOutRequest>,
) -> Result<pb::BeginSignOutResponse, Error> {
    issuer(core)?;
    let request = request.into_inner();
    let wrong = |field: &str, problem: &str| Error::Violations(vec![Violation::new(field, problem)]);
    let hinted = match hint(core, &request.id_token_hint) {
        Ok(hinted) => hinted.map(|(_, client)| client.to_string()),
        Err(Failed::Error(error)) => return Err(error),
        Err(Failed::Refused(_)) => None,
    };
    if hinted.as_ref().is_some_and(|hinted| !request.client_id.is_empty() && *hinted != request.client_id) {
        return Err(wrong("client_id", "is not the one that the ID token was for"));
    }
    if request.state.len() > MAX_STATE_BYTES {
        return Err(wrong("state", "has at most 1,024 bytes"));
    }
    let id = hinted.unwrap_or(request.client_id);
    let client = if id.is_empty() { None } else { find(core, &id).await? };
    if request.post_logout_redirect_uri.is_empty() {
        let client = client.map(|client| client.display_name).unwrap_or_default();
        return Ok(pb::BeginSignOutResponse { location: String::new(), client });
    }
    let client = client.ok_or_else(|| {
        wrong("client_id", "has to name an application that is registered here, or an ID token has to be given")
    })?;
    if !uris::is_registered(&request.post_logout_redirect_uri, &client.post_logout_redirect_uris) {
        return Err(wrong("post_logout_redirect_uri", "is none of the application's, letter for letter"));
    }
    let location = uris::with(&request.post_logout_redirect_uri, &[("state", &request.state)]);
    Ok(pb::BeginSignOutResponse { location, client: client.display_name })
}
