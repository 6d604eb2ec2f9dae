//! The second factors of an account.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::factor::Kind;
use minijinja::{Value, context};

use super::Page;
use super::account::ME;
use super::form::Form;
use super::qr;
use super::shown::Shown;
use super::visit::Visit;
use crate::browser::Cookies;

const LIST: &str = "/mainstay.auth.v1.FactorService/ListFactors";
const ENROLL: &str = "/mainstay.auth.v1.FactorService/EnrollTotp";
const CONFIRM: &str = "/mainstay.auth.v1.FactorService/ConfirmTotp";
const DELETE: &str = "/mainstay.auth.v1.FactorService/DeleteFactor";
const CODES: &str = "/mainstay.auth.v1.FactorService/RegenerateRecoveryCodes";

pub async fn list(visit: &Visit<'_>) -> Result<pb::ListFactorsResponse, Fault> {
    let request = pb::ListFactorsRequest { parent: ME.to_owned(), page_size: 100, ..Default::default() };
    visit.ask(LIST, &request).await
}

pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    Ok(visit.page("factors.html", values(visit).await?))
}

async fn values(visit: &Visit<'_>) -> Result<Value, Fault> {
    let listed = list(visit).await?;
    let factors: Vec<Value> = listed.factors.iter().map(factor).collect();
    Ok(context! { factors, codes_left => listed.recovery_codes_left })
}

fn factor(factor: &pb::Factor) -> Value {
    context! {
        name => factor.name,
        display_name => factor.display_name,
        passkey => factor.kind() == Kind::Passkey,
    }
}

/// Begins to enrol an app: shows its secret, once.
pub async fn enroll(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::EnrollTotpRequest { parent: ME.to_owned(), display_name: form.typed("display_name") };
    match visit.ask::<pb::EnrollTotpResponse>(ENROLL, &request).await {
        Ok(begun) => {
            let name = begun.factor.unwrap_or_default().name;
            Ok(visit.page("enroll.html", offered(&name, &begun.uri, &begun.secret)))
        }
        Err(fault) if fault.violations().is_empty() => Err(fault),
        Err(fault) => {
            let values = values(visit).await?;
            Ok(visit.page_with("factors.html", &fault, |problem| context! { problem, ..values }))
        }
    }
}

/// The drawing is made here, and of nothing that could be markup. What a form sends back is a link only where it is one of an app.
fn offered(name: &str, uri: &str, secret: &str) -> Value {
    let uri = if uri.starts_with("otpauth://totp/") { uri } else { "" };
    context! { name, uri, secret, drawing => qr::svg(uri).map(Value::from_safe_string) }
}

/// Enrols it with a code that it has made. A wrong code shows the secret again, which the form has kept.
pub async fn confirm(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::ConfirmTotpRequest { name: form.text("name").to_owned(), code: form.typed("code") };
    match visit.ask::<pb::ConfirmTotpResponse>(CONFIRM, &request).await {
        Ok(confirmed) => {
            let cookies = confirmed.credentials.as_ref().map(Cookies::of).unwrap_or_default();
            Ok(match confirmed.recovery_codes.is_empty() {
                true => Shown::see(Page::Factors.path().to_owned()),
                false => visit.page("recovery-codes.html", context! { codes => confirmed.recovery_codes }),
            }
            .cookies(cookies))
        }
        Err(fault) if fault.http_status().is_server_error() => Err(fault),
        Err(fault) => {
            let offered = offered(form.text("name"), form.text("uri"), form.text("secret"));
            Ok(visit.page_with("enroll.html", &fault, |problem| context! { problem, ..offered }))
        }
    }
}

pub async fn remove(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    visit.ask::<()>(DELETE, &pb::DeleteFactorRequest { name: form.text("factor").to_owned() }).await?;
    Ok(Shown::see(Page::Factors.path().to_owned()))
}

pub async fn other_codes(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let request = pb::RegenerateRecoveryCodesRequest { parent: ME.to_owned() };
    let made = visit.ask::<pb::RegenerateRecoveryCodesResponse>(CODES, &request).await?;
    Ok(visit.page("recovery-codes.html", context! { codes => made.recovery_codes }))
}
