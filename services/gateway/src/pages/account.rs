//! The settings of an account.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use minijinja::{Value, context};
use prost_types::FieldMask;

use super::Page;
use super::form::Form;
use super::shown::Shown;
use super::visit::Visit;
use crate::browser::Cookies;

const GET: &str = "/mainstay.auth.v1.AccountService/GetAccount";
const UPDATE: &str = "/mainstay.auth.v1.AccountService/UpdateAccount";
const CHANGE_EMAIL: &str = "/mainstay.auth.v1.AccountService/ChangeEmail";
const CHANGE_PASSWORD: &str = "/mainstay.auth.v1.AccountService/ChangePassword";
const VERIFY_AGAIN: &str = "/mainstay.auth.v1.AccountService/RequestEmailVerification";
const DELETE: &str = "/mainstay.auth.v1.AccountService/DeleteAccount";
const SESSIONS: &str = "/mainstay.auth.v1.SessionService/ListSessions";
const END_SESSION: &str = "/mainstay.auth.v1.SessionService/RevokeSession";
const END_SESSIONS: &str = "/mainstay.auth.v1.SessionService/RevokeAllSessions";

/// The account of whoever looks at a page.
pub const ME: &str = "accounts/me";

/// The parameter that names what was done.
const DONE: &str = "done";

/// What can be done on the page, as the parameter names it.
const DEEDS: [&str; 6] = ["profile", "email", "password", "verify", "session", "sessions"];

pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let done = DEEDS.into_iter().find(|deed| *deed == visit.query.text(DONE));
    Ok(visit.page("account.html", context! { done, ..values(visit).await? }))
}

async fn values(visit: &Visit<'_>) -> Result<Value, Fault> {
    let account = visit.ask::<pb::Account>(GET, &pb::GetAccountRequest { name: ME.to_owned() }).await?;
    let request = pb::ListSessionsRequest { parent: ME.to_owned(), page_size: 100, ..Default::default() };
    let sessions = visit.ask::<pb::ListSessionsResponse>(SESSIONS, &request).await?;
    let sessions: Vec<Value> = sessions.sessions.iter().map(session).collect();
    Ok(context! {
        account => context! {
            email => account.email,
            email_verified => account.email_verified,
            pending_email => account.pending_email,
            user_name => account.user_name,
            display_name => account.display_name,
            anonymous => account.anonymous,
        },
        sessions,
    })
}

fn session(session: &pb::Session) -> Value {
    let day = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().map(|time| time.to_string().chars().take(10).collect::<String>())
    };
    context! {
        name => session.name,
        device => device(&session.user_agent),
        network => session.network,
        current => session.current,
        acted => !session.actor.is_empty(),
        begun => day(&session.create_time),
        used => day(&session.refresh_time),
    }
}

/// Names a device by what its browser says of itself, as far as people know both; the rest as it is.
fn device(agent: &str) -> String {
    // What imitates another one says so before it says what it is.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Macintosh", "macOS"),
        ("Linux", "Linux"),
    ];
    let known = |of: &[(&str, &'static str)]| of.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name);
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        _ => agent.chars().take(60).collect(),
    }
}

/// Says that it was done, or shows the page again with what is wrong in one of its forms.
async fn after<T>(visit: &Visit<'_>, deed: &'static str, asked: Result<T, Fault>, sent: Value) -> Result<Shown, Fault> {
    match asked {
        Ok(_) => Ok(Shown::see(Page::Account.with(DONE, deed))),
        Err(fault) if fault.http_status().is_server_error() || is_about_the_session(&fault) => Err(fault),
        Err(fault) => {
            let values = values(visit).await?;
            let shown = |problem| context! { problem, wrong => deed, sent, ..values };
            Ok(visit.page_with("account.html", &fault, shown))
        }
    }
}

fn is_about_the_session(fault: &Fault) -> bool {
    use mainstay_fault::Reason;
    matches!(
        fault.reason(),
        Some(
            Reason::InsufficientUserAuthentication
                | Reason::Unauthenticated
                | Reason::SessionEnded
                | Reason::TokenExpired
        )
    )
}

pub async fn change_profile(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let (display_name, user_name) = (form.typed("display_name"), form.typed("user_name"));
    let sent = context! { display_name, user_name };
    let account = pb::Account { name: ME.to_owned(), display_name, user_name, ..Default::default() };
    let paths = ["display_name", "user_name"].map(str::to_owned).to_vec();
    let request = pb::UpdateAccountRequest { account: Some(account), update_mask: Some(FieldMask { paths }) };
    let asked = visit.ask::<pb::Account>(UPDATE, &request).await;
    after(visit, "profile", asked, sent).await
}

pub async fn change_email(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let email = form.typed("email");
    let sent = context! { email };
    let request = pb::ChangeEmailRequest { name: ME.to_owned(), email, password: form.text("password").to_owned() };
    let asked = visit.ask::<pb::Account>(CHANGE_EMAIL, &request).await;
    after(visit, "email", asked, sent).await
}

/// The other sessions of the account end with it.
pub async fn change_password(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::ChangePasswordRequest {
        name: ME.to_owned(),
        old_password: form.text("old_password").to_owned(),
        new_password: form.text("new_password").to_owned(),
    };
    let asked = visit.ask::<()>(CHANGE_PASSWORD, &request).await;
    after(visit, "password", asked, Value::UNDEFINED).await
}

pub async fn verify_again(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let request = pb::RequestEmailVerificationRequest { name: ME.to_owned() };
    let asked = visit.ask::<()>(VERIFY_AGAIN, &request).await;
    after(visit, "verify", asked, Value::UNDEFINED).await
}

pub async fn end_session(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::RevokeSessionRequest { name: form.text("session").to_owned() };
    let asked = visit.ask::<()>(END_SESSION, &request).await;
    after(visit, "session", asked, Value::UNDEFINED).await
}

pub async fn end_sessions(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let request = pb::RevokeAllSessionsRequest { parent: ME.to_owned(), keep_current: true };
    let asked = visit.ask::<pb::RevokeAllSessionsResponse>(END_SESSIONS, &request).await;
    after(visit, "sessions", asked, Value::UNDEFINED).await
}

/// Asks whether the account shall really go.
pub fn ask_to_delete(visit: &Visit<'_>) -> Result<Shown, Fault> {
    match visit.is_signed_in() {
        true => Ok(visit.page("delete.html", context! {})),
        false => Ok(Shown::see(Page::SignIn.with(super::sign_in::RETURN_TO, Page::Delete.path()))),
    }
}

pub async fn delete(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let request = pb::DeleteAccountRequest {
        name: ME.to_owned(),
        password: form.text("password").to_owned(),
        etag: String::new(),
    };
    match visit.ask::<()>(DELETE, &request).await {
        Ok(()) => {
            let shown = visit.page("done.html", context! { name => "deleted", next => Page::SignIn.path() });
            Ok(shown.cookies(Cookies::gone()))
        }
        Err(fault) if fault.http_status().is_server_error() || is_about_the_session(&fault) => Err(fault),
        Err(fault) => Ok(visit.page_with("delete.html", &fault, |problem| context! { problem })),
    }
}
