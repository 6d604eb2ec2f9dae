//! Making an account.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use minijinja::context;

use super::form::Form;
use super::shown::Shown;
use super::sign_in::{RETURN_TO, begun};
use super::visit::Visit;

const SIGN_UP: &str = "/mainstay.auth.v1.AccountService/SignUp";
const SIGN_IN: &str = "/mainstay.auth.v1.SessionService/SignIn";

pub fn show(visit: &Visit<'_>) -> Shown {
    visit.page("sign-up.html", context! { return_to => visit.leads_to(visit.query.text(RETURN_TO)) })
}

/// Makes an account, and signs in to it.
pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let (email, password) = (form.typed("email"), form.text("password").to_owned());
    let to = visit.leads_to(form.text(RETURN_TO));
    let locale = visit.language.tag.clone();
    let captcha_token = visit.captcha_token(form);
    let request = pb::SignUpRequest { email: email.clone(), password: password.clone(), locale, captcha_token };
    if let Err(fault) = visit.ask::<pb::Account>(SIGN_UP, &request).await {
        let again = |problem| context! { problem, email, return_to => to };
        return Ok(visit.page_with("sign-up.html", &fault, again));
    }
    let request = pb::SignInRequest { email, password };
    let credentials = visit.ask::<pb::Credentials>(SIGN_IN, &request).await?;
    Ok(begun(visit, &credentials, to))
}
