//! Agreeing that another application may know of an account: in this browser, or for a device.

use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use minijinja::{Value, context};

use super::Page;
use super::account::ME;
use super::escape::query;
use super::form::Form;
use super::shown::Shown;
use super::sign_in::RETURN_TO;
use super::visit::Visit;

const BEGIN: &str = "/mainstay.auth.v1.AuthorizationService/BeginAuthorization";
const DECIDE: &str = "/mainstay.auth.v1.AuthorizationService/DecideAuthorization";
const SHOW_DEVICE: &str = "/mainstay.auth.v1.AuthorizationService/GetDeviceAuthorization";
const DECIDE_DEVICE: &str = "/mainstay.auth.v1.AuthorizationService/DecideDeviceAuthorization";
const CONSENTS: &str = "/mainstay.auth.v1.AuthorizationService/ListOAuthConsents";
const TAKE_BACK: &str = "/mainstay.auth.v1.AuthorizationService/DeleteOAuthConsent";

/// Longest request, written as an address: it has to go through the sign-in and back.
const MAX_BYTES: usize = 1_600;

/// What it is told since when somebody has to show who they are. It is ours, and no client's.
const BEGAN: &str = "began";

/// The parameters that are read; all others are passed over.
const PARAMETERS: [&str; 14] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    BEGAN,
];

/// Parameters that stand for a request that stands elsewhere, and what is said of them.
const UNSUPPORTED: [(&str, &str); 3] = [
    ("request", "request_not_supported"),
    ("request_uri", "request_uri_not_supported"),
    ("registration", "registration_not_supported"),
];

pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let begun = visit.ask::<pb::BeginAuthorizationResponse>(BEGIN, &asked(&visit.query)).await?;
    if !begun.location.is_empty() {
        return Ok(Shown::see(begun.location));
    }
    if let Some(question) = begun.question {
        let leads_to = question.leads_to.clone();
        return Ok(visit.page("consent.html", asks(&question)).leading_to(&leads_to));
    }
    let back = address(&visit.query, &begun.confirm)?;
    let mut to = if begun.sign_in { Page::SignIn.with(RETURN_TO, &back) } else { Page::Confirm.with(RETURN_TO, &back) };
    let hint = visit.query.text("login_hint");
    if begun.sign_in && !hint.is_empty() {
        to.push_str(&format!("&login_hint={}", query(hint)));
    }
    Ok(Shown::see(to))
}

/// A request may be sent as a form as well (OpenID Connect Core 1.0, section 3.1.2.1). It is looked at as every other: what another
/// site sends comes without the cookies of whoever is signed in.
pub fn sent(form: &Form) -> Result<Shown, Fault> {
    Ok(Shown::see(address(form, "")?))
}

fn asked(given: &Form) -> pb::BeginAuthorizationRequest {
    let text = |name: &str| given.text(name).to_owned();
    let unsupported = UNSUPPORTED.iter().find(|(name, _)| given.has(name)).map(|(_, says)| *says);
    let repeated = given.repeated().unwrap_or_default();
    pb::BeginAuthorizationRequest {
        client_id: text("client_id"),
        redirect_uri: text("redirect_uri"),
        response_type: text("response_type"),
        scope: text("scope"),
        state: text("state"),
        nonce: text("nonce"),
        code_challenge: text("code_challenge"),
        code_challenge_method: text("code_challenge_method"),
        prompt: text("prompt"),
        max_age: text("max_age"),
        response_mode: text("response_mode"),
        unsupported: unsupported.unwrap_or_default().to_owned(),
        repeated_parameter: repeated.to_owned(),
        id_token_hint: text("id_token_hint"),
        began: text(BEGAN),
    }
}

/// Writes a request as an address of this host, in one spelling. What is there twice stays there twice, and is refused again.
fn address(given: &Form, began: &str) -> Result<String, Fault> {
    let is_read = |name: &str| PARAMETERS.contains(&name) || UNSUPPORTED.iter().any(|(of, _)| *of == name);
    let own = given.fields().filter(|(name, _)| is_read(name) && (*name != BEGAN || began.is_empty()));
    let began = Some((BEGAN, began)).filter(|(_, began)| !began.is_empty());
    let fields: Vec<String> = own.chain(began).map(|(name, value)| format!("{name}={}", query(value))).collect();
    let address = format!("{}?{}", Page::Authorize.path(), fields.join("&"));
    if address.len() > MAX_BYTES {
        return Err(Fault::new(Reason::InvalidArgument).message(format!(
            "the application asks with more than {MAX_BYTES} bytes, which cannot be kept over a sign-in"
        )));
    }
    Ok(address)
}

fn asks(question: &pb::OAuthQuestion) -> Value {
    context! {
        ticket => question.ticket,
        client => question.client,
        client_uri => question.client_uri,
        leads_to => question.leads_to,
        scopes => question.scopes,
        email => question.email,
    }
}

/// Does what somebody has decided.
pub async fn decide(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::DecideAuthorizationRequest {
        ticket: form.text("ticket").to_owned(),
        allow: form.text("decision") == "allow",
    };
    let decided = visit.ask::<pb::DecideAuthorizationResponse>(DECIDE, &request).await?;
    Ok(Shown::see(decided.location))
}

/// Asks for the code that a device shows. An address that has it does not stand for somebody who has read it (RFC 8628, section
/// 5.4): it is sent by a form in any case.
pub fn ask_for_code(visit: &Visit<'_>) -> Shown {
    if !visit.is_signed_in() {
        return Shown::see(Page::SignIn.with(RETURN_TO, &visit.address));
    }
    visit.page("device.html", context! { user_code => visit.query.text("user_code") })
}

/// Shows what the device asks for that shows a code.
pub async fn show_device(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let user_code = form.typed("user_code");
    let request = pb::GetDeviceAuthorizationRequest { user_code: user_code.clone() };
    match visit.ask::<pb::OAuthQuestion>(SHOW_DEVICE, &request).await {
        Ok(question) => {
            let user_code = as_shown(&user_code);
            Ok(visit.page("consent.html", context! { user_code, ..asks(&question) }))
        }
        Err(fault) if fault.reason() == Some(Reason::WrongCode) => {
            Ok(visit.page_with("device.html", &fault, |problem| context! { problem, user_code }))
        }
        Err(fault) => Err(fault),
    }
}

/// Spells a code as the device shows it that is compared with the page.
fn as_shown(user_code: &str) -> String {
    let letters: String = user_code.chars().filter(char::is_ascii_alphabetic).collect();
    let (first, second) = letters.split_at(letters.len() / 2);
    format!("{first}-{second}").to_ascii_uppercase()
}

pub async fn decide_device(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let allow = form.text("decision") == "allow";
    let request = pb::DecideDeviceAuthorizationRequest { user_code: form.typed("user_code"), allow };
    visit.ask::<()>(DECIDE_DEVICE, &request).await?;
    let name = if allow { "device" } else { "device_denied" };
    Ok(visit.page("done.html", context! { name, next => Page::Account.path(), is_account => true }))
}

/// What the owner of the account has agreed to.
pub async fn applications(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let request = pb::ListOAuthConsentsRequest {
        parent: ME.to_owned(),
        page_size: 100,
        page_token: visit.query.text("page_token").to_owned(),
    };
    let listed = visit.ask::<pb::ListOAuthConsentsResponse>(CONSENTS, &request).await?;
    let day = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().map(|time| time.to_string().chars().take(10).collect::<String>())
    };
    let applications: Vec<Value> = listed
        .oauth_consents
        .iter()
        .map(|consent| {
            context! {
                name => consent.name,
                client => consent.display_name,
                client_uri => consent.client_uri,
                scopes => consent.scopes,
                since => day(&consent.create_time),
            }
        })
        .collect();
    Ok(visit.page("applications.html", context! { applications, next => listed.next_page_token }))
}

pub async fn take_back(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    visit.ask::<()>(TAKE_BACK, &pb::DeleteOAuthConsentRequest { name: form.text("application").to_owned() }).await?;
    Ok(Shown::see(Page::Applications.path().to_owned()))
}
