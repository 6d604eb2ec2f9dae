//! What mails link to. The secret of a link stands behind the `#` of its address, which no server sees: a script puts it into the
//! form, and without one it is pasted. Nothing happens before somebody sends the form: programs that look at the links of mails
//! use none up.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use minijinja::{Value, context};

use super::Page;
use super::form::Form;
use super::shown::Shown;
use super::visit::Visit;

const VERIFY: &str = "/mainstay.auth.v1.AccountService/VerifyEmail";
const CHANGE: &str = "/mainstay.auth.v1.AccountService/ConfirmEmailChange";
const REQUEST_RESET: &str = "/mainstay.auth.v1.AccountService/RequestPasswordReset";
const RESET: &str = "/mainstay.auth.v1.AccountService/ResetPassword";
const ACCEPT: &str = "/mainstay.auth.v1.OrganisationService/AcceptInvitation";
const SIGN_UP: &str = "/mainstay.auth.v1.OrganisationService/SignUpWithInvitation";

/// What a page is called in the texts.
fn name(page: Page) -> &'static str {
    match page {
        Page::VerifyEmail => "verify",
        Page::ChangeEmail => "change",
        Page::ResetPassword => "reset",
        Page::Invitation => "invitation",
        _ => "link",
    }
}

fn values(visit: &Visit<'_>, page: Page) -> Value {
    // Who is signed in becomes a member as who they are; everybody else makes an account for it.
    let asks_password = page == Page::ResetPassword || (page == Page::Invitation && !visit.is_signed_in());
    context! { name => name(page), action => page.path(), asks_password }
}

pub fn show(visit: &Visit<'_>, page: Page) -> Shown {
    visit.page("linked.html", values(visit, page))
}

/// Shows a page again with what is wrong. The secret stays in it.
pub fn again(visit: &Visit<'_>, page: Page, fault: &Fault) -> Shown {
    visit.page_with("linked.html", fault, |problem| context! { problem, ..values(visit, page) })
}

/// Says that something was done.
fn done(visit: &Visit<'_>, name: &str) -> Shown {
    let next = if visit.is_signed_in() { Page::Account } else { Page::SignIn };
    visit.page("done.html", context! { name, next => next.path(), is_account => visit.is_signed_in() })
}

pub async fn verify(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::VerifyEmailRequest { token: form.typed("token") };
    Ok(match visit.ask::<pb::Account>(VERIFY, &request).await {
        Ok(_) => done(visit, "verify"),
        Err(fault) => again(visit, Page::VerifyEmail, &fault),
    })
}

pub async fn change(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::ConfirmEmailChangeRequest { token: form.typed("token") };
    Ok(match visit.ask::<pb::ConfirmEmailChangeResponse>(CHANGE, &request).await {
        Ok(answer) => done(visit, if answer.changed { "change" } else { "agreed" }),
        Err(fault) => again(visit, Page::ChangeEmail, &fault),
    })
}

pub fn ask_for_reset(visit: &Visit<'_>) -> Shown {
    visit.page("forgot-password.html", context! {})
}

pub async fn send_reset(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let email = form.typed("email");
    let request = pb::RequestPasswordResetRequest { email: email.clone(), captcha_token: visit.captcha_token(form) };
    Ok(match visit.ask::<()>(REQUEST_RESET, &request).await {
        Ok(()) => visit.page("done.html", context! { name => "forgot", email }),
        Err(fault) => visit.page_with("forgot-password.html", &fault, |problem| context! { problem, email }),
    })
}

pub async fn reset(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let (token, new_password) = (form.typed("token"), form.text("password").to_owned());
    Ok(match visit.ask::<()>(RESET, &pb::ResetPasswordRequest { token, new_password }).await {
        Ok(()) => done(visit, "reset"),
        Err(fault) => again(visit, Page::ResetPassword, &fault),
    })
}

pub async fn accept(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let token = form.typed("token");
    let accepted = match visit.is_signed_in() {
        true => visit.ask::<pb::Member>(ACCEPT, &pb::AcceptInvitationRequest { token }).await.map(drop),
        false => {
            let (password, locale) = (form.text("password").to_owned(), visit.language.tag.clone());
            let request = pb::SignUpWithInvitationRequest { token, password, locale };
            visit.ask::<pb::Account>(SIGN_UP, &request).await.map(drop)
        }
    };
    Ok(match accepted {
        Ok(()) => done(visit, "invitation"),
        Err(fault) => again(visit, Page::Invitation, &fault),
    })
}
