//! Signing in by a provider of identities: there by a button, and back to a page of the server.

use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use minijinja::context;

use super::Page;
use super::escape::query;
use super::form::Form;
use super::shown::Shown;
use super::sign_in::{self, RETURN_TO};
use super::visit::Visit;
use crate::browser::Cookies;

const START: &str = "/mainstay.auth.v1.ProviderService/StartSignIn";
const FINISH: &str = "/mainstay.auth.v1.ProviderService/FinishSignIn";

/// The cookie of a browser that is on its way: what only it knows, a bar, and where it is led then.
const ON_ITS_WAY: &str = "__Host-mainstay-provider";

/// For how long a browser may be on its way: as long as what was begun is good.
const SECONDS: u64 = 600;

/// What a provider says where somebody does not want to (RFC 6749 section 4.1.2.1).
const UNWILLING: &str = "access_denied";

/// Sends the browser to a provider.
pub async fn start(visit: &Visit<'_>, form: &Form) -> Result<Shown, Fault> {
    let to = visit.leads_to(form.text(RETURN_TO));
    let request = pb::StartSignInRequest {
        provider: form.text("provider").to_owned(),
        redirect_uri: Page::ProviderBack.path().to_owned(),
        ..Default::default()
    };
    match visit.ask::<pb::StartSignInResponse>(START, &request).await {
        // What a form's answer leads to counts as where the form leads, and a policy cannot name all providers: so a page does.
        Ok(started) => {
            let onward = visit.page("onward.html", context! { to => started.authorization_uri });
            let kept = format!("{}|{}", started.secret, query(&to));
            Ok(onward.cookies(Cookies::one(ON_ITS_WAY, &kept, SECONDS)))
        }
        Err(fault) => Ok(sign_in::again(visit, &fault, to).await),
    }
}

/// Takes a browser that comes back from a provider.
pub async fn back(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let Some((secret, to)) = on_its_way(visit) else {
        // Whoever looks at it again has arrived already.
        return Ok(match visit.is_signed_in() {
            true => Shown::see(visit.leads_to("")),
            false => sign_in::again(visit, &Fault::new(Reason::ChallengeOver), visit.leads_to("")).await,
        });
    };
    let (to, over) = (visit.leads_to(&to), Cookies::one(ON_ITS_WAY, "", 0));
    let said = |name: &str| visit.query.text(name).to_owned();
    match said("error").as_str() {
        "" => {}
        UNWILLING => return Ok(Shown::see(Page::SignIn.with(RETURN_TO, &to)).cookies(over)),
        _ => return Ok(sign_in::again(visit, &Fault::new(Reason::ProviderRefused), to).await.cookies(over)),
    }
    let request = pb::FinishSignInRequest { secret, state: said("state"), code: said("code"), issuer: said("iss") };
    match visit.ask::<pb::Credentials>(FINISH, &request).await {
        Ok(credentials) => Ok(sign_in::begun(visit, &credentials, to).and_cookies(over)),
        Err(fault) => Ok(sign_in::again(visit, &fault, to).await.cookies(over)),
    }
}

/// What a browser keeps while it is on its way.
fn on_its_way(visit: &Visit<'_>) -> Option<(String, String)> {
    let kept = visit.cookie(ON_ITS_WAY)?;
    let (secret, to) = kept.split_once('|').filter(|(secret, _)| !secret.is_empty())?;
    Some((secret.to_owned(), Form::of_query(&format!("{RETURN_TO}={to}")).text(RETURN_TO).to_owned()))
}
