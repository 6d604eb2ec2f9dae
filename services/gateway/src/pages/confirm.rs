//! Showing again who is signed in, before what could take the account away.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::factor::Kind;
use mainstay_proto::auth::v1::step_up_request::Factor;
use minijinja::context;

use super::form::Form;
use super::shown::Shown;
use super::sign_in::RETURN_TO;
use super::visit::Visit;
use crate::browser::Cookies;

const STEP_UP: &str = "/mainstay.auth.v1.SessionService/StepUp";

pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let factors = super::factors::list(visit).await?;
    let to = visit.leads_to(visit.query.text(RETURN_TO));
    Ok(visit.page(
        "confirm.html",
        context! { by_code => has_code(&factors), passkey => has_passkey(&factors), return_to => to },
    ))
}

fn has_passkey(factors: &pb::ListFactorsResponse) -> bool {
    factors.factors.iter().any(|factor| factor.kind() == Kind::Passkey)
}

fn has_code(factors: &pb::ListFactorsResponse) -> bool {
    factors.factors.iter().any(|factor| factor.kind() == Kind::Totp) || factors.recovery_codes_left > 0
}

pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let to = visit.leads_to(form.text(RETURN_TO));
    let code = form.typed("code");
    let by_code = !form.text("by_code").is_empty();
    let factor = match by_code {
        true if code.chars().filter(char::is_ascii_alphanumeric).count() > 8 => Factor::RecoveryCode(code),
        true => Factor::TotpCode(code),
        false => Factor::Password(form.text("password").to_owned()),
    };
    let request = pb::StepUpRequest { factor: Some(factor) };
    Ok(match visit.ask::<pb::Credentials>(STEP_UP, &request).await {
        Ok(credentials) => visit.onward(to).cookies(Cookies::of(&credentials)),
        Err(fault) => visit.page_with("confirm.html", &fault, |problem| context! { problem, by_code, return_to => to }),
    })
}
