//! Passkeys on pages: a script asks the browser for one, and the form takes what it has signed.

use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::step_up_request::Factor;
use minijinja::context;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::Value as Json;

use super::Page;
use super::account::ME;
use super::form::Form;
use super::shown::Shown;
use super::sign_in::{RETURN_TO, begun};
use super::visit::Visit;
use crate::browser::Cookies;

const SIGN_IN: &str = "/mainstay.auth.v1.SessionService/SignInWithPasskey";
const STEP_UP: &str = "/mainstay.auth.v1.SessionService/StepUp";
const FINISH: &str = "/mainstay.auth.v1.FactorService/FinishPasskey";

/// The largest that a browser's answer is: a key with the statement of its maker.
const MAX_CREDENTIAL_BYTES: usize = 32 << 10;

/// Reads what a browser has made, as its `toJSON` writes it.
fn credential(form: &Form) -> Result<Struct, Fault> {
    let text = form.text("credential");
    let read = (text.len() <= MAX_CREDENTIAL_BYTES).then(|| serde_json::from_str(text).ok()).flatten();
    match read.map(value) {
        Some(Kind::StructValue(of)) => Ok(of),
        _ => Err(Fault::new(Reason::MalformedRequest).message("the browser has given no passkey")),
    }
}

/// JSON as protobuf has it. How deep it nests is limited where it was read.
fn value(json: Json) -> Kind {
    let inner = |json| Value { kind: Some(value(json)) };
    match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(of) => Kind::BoolValue(of),
        Json::Number(of) => Kind::NumberValue(of.as_f64().unwrap_or_default()),
        Json::String(of) => Kind::StringValue(of),
        Json::Array(of) => Kind::ListValue(ListValue { values: of.into_iter().map(inner).collect() }),
        Json::Object(of) => {
            Kind::StructValue(Struct { fields: of.into_iter().map(|(name, of)| (name, inner(of))).collect() })
        }
    }
}

/// Signs in, or finishes a sign-in that waits for a factor.
pub async fn sign_in(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let to = visit.leads_to(form.text(RETURN_TO));
    let challenge = form.text("challenge").to_owned();
    let request = pb::SignInWithPasskeyRequest { challenge, credential: Some(credential(form)?) };
    Ok(match visit.ask::<pb::Credentials>(SIGN_IN, &request).await {
        Ok(credentials) => begun(visit, &credentials, to),
        Err(fault) => visit.page_with("sign-in.html", &fault, |problem| context! { problem, return_to => to }),
    })
}

/// Shows again who is signed in.
pub async fn confirm(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let to = visit.leads_to(form.text(RETURN_TO));
    let challenge = form.text("challenge").to_owned();
    let assertion = pb::PasskeyAssertion { challenge, credential: Some(credential(form)?) };
    let request = pb::StepUpRequest { factor: Some(Factor::Passkey(assertion)) };
    let credentials = visit.ask::<pb::Credentials>(STEP_UP, &request).await?;
    Ok(Shown::see(to).cookies(Cookies::of(&credentials)))
}

/// Adds a passkey to the account.
pub async fn add(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::FinishPasskeyRequest {
        parent: ME.to_owned(),
        challenge: form.text("challenge").to_owned(),
        credential: Some(credential(form)?),
        display_name: form.typed("display_name"),
    };
    let added = visit.ask::<pb::FinishPasskeyResponse>(FINISH, &request).await?;
    let cookies = added.credentials.as_ref().map(Cookies::of).unwrap_or_default();
    Ok(match added.recovery_codes.is_empty() {
        true => Shown::see(Page::Factors.path().to_owned()),
        false => visit.page("recovery-codes.html", context! { codes => added.recovery_codes }),
    }
    .cookies(cookies))
}
