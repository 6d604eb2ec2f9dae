//! What clients are told of accounts. The token stands in `authorization` alone: in an address it would be in logs and histories
//! (RFC 9700, section 4.3.2).

use http::{Response, StatusCode};
use mainstay_fault::Fault;
use mainstay_layers::Body;
use mainstay_proto::auth::v1 as pb;

use super::answer;
use super::asked::Asked;

const USER_INFO: &str = "/mainstay.auth.v1.AuthorizationService/GetUserInfo";

pub async fn answer(asked: &Asked) -> Result<Response<Body>, Fault> {
    let shown = asked.shown().filter(|(scheme, token)| scheme == "bearer" && !token.is_empty());
    let Some((_, token)) = shown else { return answer::no_token(None) };
    let request = pb::GetUserInfoRequest { client_token: token.to_owned() };
    let told = asked.ask::<pb::GetUserInfoResponse>(USER_INFO, &request).await?;
    match &told.error {
        Some(error) => answer::no_token(Some(error)),
        None => Ok(answer::json(StatusCode::OK, told.claims)),
    }
}
