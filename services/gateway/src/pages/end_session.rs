//! The end of a session that another application asks for (OpenID Connect RP-Initiated Logout 1.0). Somebody is asked first: the
//! address could stand in a page of anybody's.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use minijinja::context;

use super::Page;
use super::escape::query;
use super::form::Form;
use super::shown::Shown;
use super::sign_in;
use super::visit::Visit;

const BEGIN: &str = "/mainstay.auth.v1.AuthorizationService/BeginSignOut";

/// The parameters that are read.
const PARAMETERS: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

async fn begun(visit: &Visit<'_>, given: &Form) -> Result<pb::BeginSignOutResponse, Fault> {
    let text = |name: &str| given.text(name).to_owned();
    let request = pb::BeginSignOutRequest {
        id_token_hint: text("id_token_hint"),
        client_id: text("client_id"),
        post_logout_redirect_uri: text("post_logout_redirect_uri"),
        state: text("state"),
    };
    visit.ask(BEGIN, &request).await
}

fn leads_to(begun: pb::BeginSignOutResponse) -> String {
    if begun.location.is_empty() { Page::SignIn.path().to_owned() } else { begun.location }
}

/// Asks, where there is a session to end.
pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let begun = begun(visit, &visit.query).await?;
    if !visit.session().1 {
        return Ok(Shown::see(leads_to(begun)));
    }
    let fields: Vec<(&str, &str)> = PARAMETERS.iter().map(|name| (*name, visit.query.text(name))).collect();
    let values = context! { fields, client => begun.client };
    Ok(visit.page("sign-out.html", values).leading_to(&begun.location))
}

/// Ends it, where the page that asks has sent the form. What another site sends comes without the session, and is asked about first.
pub async fn submit(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    if form.text("decision") != "sign-out" || !visit.session().1 {
        let given = PARAMETERS.iter().filter(|name| form.has(name));
        let fields: Vec<String> = given.map(|name| format!("{name}={}", query(form.text(name)))).collect();
        return Ok(Shown::see(format!("{}?{}", Page::EndSession.path(), fields.join("&"))));
    }
    let to = leads_to(begun(visit, form).await?);
    let cookies = sign_in::end(visit).await?;
    Ok(Shown::see(to).cookies(cookies))
}
