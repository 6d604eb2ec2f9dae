//! What clients send forms to: for tokens, about tokens, and for devices.

use http::{Response, StatusCode};
use mainstay_fault::Fault;
use mainstay_layers::Body;
use mainstay_proto::auth::v1 as pb;
use serde_json::{Map, Value, json};

use super::answer;
use super::asked::Asked;
use crate::pages::{Form, Page};

const ISSUE: &str = "/mainstay.auth.v1.AuthorizationService/IssueToken";
const INTROSPECT: &str = "/mainstay.auth.v1.AuthorizationService/IntrospectToken";
const REVOKE: &str = "/mainstay.auth.v1.AuthorizationService/RevokeToken";
const DEVICE: &str = "/mainstay.auth.v1.AuthorizationService/BeginDeviceAuthorization";
const PROVIDER: &str = "/mainstay.auth.v1.AuthorizationService/GetOAuthProvider";

/// Reads a form and who sends it; what cannot be read is refused as the standards have it.
async fn read(asked: &Asked, body: Body) -> Result<(Form, pb::OAuthClientProof), Box<Response<Body>>> {
    let refused = |says: &str| Box::new(answer::unreadable(says));
    let form = Form::read(&asked.headers, body).await;
    let form = form.map_err(|_| refused("the body has to be application/x-www-form-urlencoded, and readable"))?;
    if form.repeated().is_some() {
        return Err(refused("a parameter was given more than once"));
    }
    let proof = asked.proof(&form).map_err(refused)?;
    Ok((form, proof))
}

pub async fn token(asked: &Asked, body: Body) -> Result<Response<Body>, Fault> {
    let (form, proof) = match read(asked, body).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    let text = |name: &str| form.text(name).to_owned();
    let request = pb::IssueTokenRequest {
        client: Some(proof),
        grant_type: text("grant_type"),
        code: text("code"),
        redirect_uri: text("redirect_uri"),
        code_verifier: text("code_verifier"),
        renewed_token: text("refresh_token"),
        device_code: text("device_code"),
        scope: text("scope"),
    };
    let issued = asked.ask::<pb::IssueTokenResponse>(ISSUE, &request).await?;
    if let Some(error) = &issued.error {
        return Ok(answer::refused(error, asked.is_by_header()));
    }
    let mut tokens = Map::new();
    let given = [
        ("access_token", issued.access_token),
        ("token_type", issued.token_type),
        ("refresh_token", issued.refresh_token),
        ("id_token", issued.id_token),
        ("scope", issued.scope),
    ];
    tokens.extend(
        given.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), json!(value))),
    );
    tokens.insert("expires_in".to_owned(), json!(issued.expires_in));
    Ok(answer::good(&Value::Object(tokens)))
}

pub async fn introspect(asked: &Asked, body: Body) -> Result<Response<Body>, Fault> {
    let (form, proof) = match read(asked, body).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    let request = pb::IntrospectTokenRequest { client: Some(proof), token: form.text("token").to_owned() };
    let told = asked.ask::<pb::IntrospectTokenResponse>(INTROSPECT, &request).await?;
    Ok(match &told.error {
        Some(error) => answer::refused(error, asked.is_by_header()),
        None => answer::json(StatusCode::OK, told.claims),
    })
}

pub async fn revoke(asked: &Asked, body: Body) -> Result<Response<Body>, Fault> {
    let (form, proof) = match read(asked, body).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    let request = pb::RevokeTokenRequest { client: Some(proof), token: form.text("token").to_owned() };
    let told = asked.ask::<pb::RevokeTokenResponse>(REVOKE, &request).await?;
    Ok(match &told.error {
        Some(error) => answer::refused(error, asked.is_by_header()),
        None => answer::json(StatusCode::OK, String::new()),
    })
}

pub async fn device(asked: &Asked, body: Body) -> Result<Response<Body>, Fault> {
    let (form, proof) = match read(asked, body).await {
        Ok(read) => read,
        Err(refused) => return Ok(*refused),
    };
    let request = pb::BeginDeviceAuthorizationRequest { client: Some(proof), scope: form.text("scope").to_owned() };
    let begun = asked.ask::<pb::BeginDeviceAuthorizationResponse>(DEVICE, &request).await?;
    if let Some(error) = &begun.error {
        return Ok(answer::refused(error, asked.is_by_header()));
    }
    let provider = asked.ask::<pb::OAuthProvider>(PROVIDER, &pb::GetOAuthProviderRequest {}).await?;
    let page = format!("{}{}", provider.issuer, Page::Device.path());
    Ok(answer::good(&json!({
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", begun.user_code),
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    })))
}
