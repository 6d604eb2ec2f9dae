//! Signing in and out.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::factor::Kind;
use minijinja::{Value, context};

use super::Page;
use super::form::Form;
use super::shown::Shown;
use super::visit::Visit;
use crate::browser::Cookies;

const PROVIDERS: &str = "/mainstay.auth.v1.ProviderService/ListProviders";
const SIGN_IN: &str = "/mainstay.auth.v1.SessionService/SignIn";
const TOTP: &str = "/mainstay.auth.v1.SessionService/SignInWithTotp";
const RECOVERY: &str = "/mainstay.auth.v1.SessionService/SignInWithRecoveryCode";
const REQUEST: &str = "/mainstay.auth.v1.SessionService/RequestSignIn";
const WITH_CODE: &str = "/mainstay.auth.v1.SessionService/SignInWithCode";
const WITH_LINK: &str = "/mainstay.auth.v1.SessionService/SignInWithLink";
const SIGN_OUT: &str = "/mainstay.auth.v1.SessionService/SignOut";

/// Most providers that are offered. Who has more names them on pages of their own.
const MOST: i32 = 100;

/// The name of the field and the parameter that say where a sign-in leads.
pub const RETURN_TO: &str = "return_to";

/// Whoever is signed in already is led on.
pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let to = visit.leads_to(visit.query.text(RETURN_TO));
    if visit.is_signed_in() {
        return Ok(Shown::see(to));
    }
    let (email, providers) = (visit.query.typed("login_hint"), offered(visit).await);
    Ok(visit.page("sign-in.html", context! { email, providers, return_to => to }))
}

/// The page once more, with what went wrong.
pub async fn again(visit: &Visit<'_>, fault: &Fault, to: String) -> Shown {
    asked_again(visit, fault, (String::new(), to)).await
}

async fn asked_again(visit: &Visit<'_>, fault: &Fault, (email, to): (String, String)) -> Shown {
    let providers = offered(visit).await;
    visit.page_with("sign-in.html", fault, |problem| context! { problem, email, providers, return_to => to })
}

/// The providers that people come in by, for their buttons: those that send a browser back by an address, and none where the server
/// does not know its own. Where they cannot be found out, there are other ways in.
async fn offered(visit: &Visit<'_>) -> Value {
    let request = pb::ListProvidersRequest { page_size: MOST, ..Default::default() };
    let listed = visit.ask::<pb::ListProvidersResponse>(PROVIDERS, &request).await;
    let listed = listed.unwrap_or_else(|mut fault| {
        fault.log();
        pb::ListProvidersResponse::default()
    });
    let shown = |provider: pb::Provider| context! { name => provider.name, says => provider.display_name };
    listed.providers.into_iter().filter(|provider| provider.on_pages).map(shown).collect()
}

pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let (email, to) = (form.typed("email"), visit.leads_to(form.text(RETURN_TO)));
    let request = pb::SignInRequest { email: email.clone(), password: form.text("password").to_owned() };
    Ok(match visit.ask::<pb::Credentials>(SIGN_IN, &request).await {
        Ok(credentials) => begun(visit, &credentials, to),
        Err(fault) => asked_again(visit, &fault, (email, to)).await,
    })
}

/// Leads on whoever has a session now, or asks for a factor first.
pub fn begun(visit: &Visit<'_>, credentials: &pb::Credentials, to: String) -> Shown {
    match &credentials.challenge {
        None => visit.onward(to).cookies(Cookies::of(credentials)),
        Some(challenge) => visit.page("factor.html", asked(challenge, &to)),
    }
}

fn asked(challenge: &pb::Challenge, to: &str) -> Value {
    context! {
        challenge => &challenge.token,
        totp => challenge.factors().any(|kind| kind == Kind::Totp),
        recovery => challenge.recovery_codes,
        passkey => challenge.factors().any(|kind| kind == Kind::Passkey),
        return_to => to,
    }
}

/// Finishes a sign-in with what a factor shows.
pub async fn finish(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let to = visit.leads_to(form.text(RETURN_TO));
    let (challenge, code) = (form.text("challenge").to_owned(), form.typed("code"));
    let asked = |name: &str| !form.text(name).is_empty();
    let (totp, recovery, passkey) = (asked("totp"), asked("recovery"), asked("passkey"));
    // A recovery code is longer than what an app shows.
    let answered = match code.chars().filter(char::is_ascii_alphanumeric).count() > 8 {
        true => {
            let request = pb::SignInWithRecoveryCodeRequest { challenge: challenge.clone(), code };
            visit.ask::<pb::Credentials>(RECOVERY, &request).await
        }
        false => {
            let request = pb::SignInWithTotpRequest { challenge: challenge.clone(), code };
            visit.ask::<pb::Credentials>(TOTP, &request).await
        }
    };
    Ok(match answered {
        Ok(credentials) => begun(visit, &credentials, to),
        Err(fault) => visit.page_with("factor.html", &fault, |problem| {
            context! { problem, challenge, totp, recovery, passkey, return_to => to }
        }),
    })
}

pub fn ask_for_mail(visit: &Visit<'_>) -> Shown {
    let to = visit.leads_to(visit.query.text(RETURN_TO));
    visit.page("mail-sign-in.html", context! { return_to => to })
}

/// Sends a mail that signs in, and asks for its code.
pub async fn send_mail(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let (email, to) = (form.typed("email"), visit.leads_to(form.text(RETURN_TO)));
    let request = pb::RequestSignInRequest { email: email.clone(), captcha_token: visit.captcha_token(form) };
    Ok(match visit.ask::<pb::RequestSignInResponse>(REQUEST, &request).await {
        Ok(sent) => {
            let values = context! { email, request_id => sent.request_id, return_to => to };
            visit.page("mail-code.html", values)
        }
        Err(fault) => {
            visit.page_with("mail-sign-in.html", &fault, |problem| context! { problem, email, return_to => to })
        }
    })
}

pub async fn by_code(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let to = visit.leads_to(form.text(RETURN_TO));
    let (email, request_id) = (form.typed("email"), form.text("request_id").to_owned());
    let request = pb::SignInWithCodeRequest { request_id: request_id.clone(), code: form.typed("code") };
    Ok(match visit.ask::<pb::Credentials>(WITH_CODE, &request).await {
        Ok(credentials) => begun(visit, &credentials, to),
        Err(fault) => visit.page_with("mail-code.html", &fault, |problem| {
            context! { problem, email, request_id, return_to => to }
        }),
    })
}

pub async fn by_link(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::SignInWithLinkRequest { token: form.typed("token") };
    Ok(match visit.ask::<pb::Credentials>(WITH_LINK, &request).await {
        Ok(credentials) => begun(visit, &credentials, visit.leads_to("")),
        Err(fault) => super::linked::again(visit, Page::MailLink, &fault),
    })
}

/// Ends the session, and takes its cookies from the browser.
pub async fn out(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let cookies = end(visit).await?;
    Ok(Shown::see(Page::SignIn.path().to_owned()).cookies(cookies))
}

/// Ends the session, and gives the cookies that a browser then has.
pub async fn end(visit: &Visit<'_>) -> Result<Cookies, Fault> {
    if let (Some(refresh), _) = visit.session() {
        visit.ask::<()>(SIGN_OUT, &pb::SignOutRequest { refresh_token: refresh.to_owned() }).await?;
    }
    Ok(if visit.session().1 { Cookies::gone() } else { Cookies::default() })
}
