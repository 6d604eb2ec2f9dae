//! Somebody who looks at a page.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Kind;
use mainstay_layers::{Browser, Context};
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::{Call, Channel};
use minijinja::{Value, context};
use prost::Message;

use super::Page;
use super::escape::query;
use super::form::Form;
use super::languages::Language;
use super::problem::Problem;
use super::return_to;
use super::shown::Shown;
use super::view::{Pages, Viewer};
use crate::backends::{AUTH, Backends};
use crate::browser::Cookies;

/// Who looks at which page, in which language.
pub struct Visit<'v> {
    pub pages: &'v Pages,
    pub language: &'v Language,
    /// What stands in the query of the address.
    pub query: Form,
    /// The page's address, with its query.
    pub address: String,
    auth: Arc<dyn Channel>,
    context: Context,
    browser: Option<Box<Browser>>,
    agent: Option<HeaderValue>,
    /// The cookies that the browser sent.
    cookies: Vec<HeaderValue>,
}

impl<'v> Visit<'v> {
    pub fn new(backends: &Backends, pages: &'v Pages, page: Page, parts: &Parts, mut context: Context) -> Visit<'v> {
        let wanted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|wanted| wanted.to_str().ok()).unwrap_or_default();
        let asked = parts.uri.query().unwrap_or_default();
        let address = if asked.is_empty() { page.path().to_owned() } else { format!("{}?{asked}", page.path()) };
        Visit {
            pages,
            language: pages.languages.of(wanted),
            query: Form::of_query(asked),
            address,
            auth: backends.of_package(&format!("mainstay.{AUTH}")).channel.clone(),
            browser: context.browser.take(),
            context,
            agent: parts.headers.get(USER_AGENT).cloned(),
            cookies: parts.headers.get_all(COOKIE).iter().cloned().collect(),
        }
    }

    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.context.principal.kind() != Kind::Anonymous
    }

    /// Whom the page is written for.
    pub fn viewer(&self) -> Viewer<'v> {
        let acting = self.context.principal.actor().is_some();
        Viewer { language: self.language, signed_in: self.is_signed_in(), acting }
    }

    /// Asks a method of the auth service, as whoever looks at the page.
    pub async fn ask<A: Message + Default>(&self, method: &'static str, request: &impl Message) -> Result<A, Fault> {
        let mut call = Call::of(self.context.clone(), method, Bytes::from(request.encode_to_vec()));
        call.agent = self.agent.clone();
        let answer = self.auth.call(call).await?.message()?;
        A::decode(answer).map_err(Fault::internal)
    }

    /// Renews a session whose access token is over, and has the browser ask again with what it then has, in the same way. Fails where
    /// that is asked too often.
    pub async fn renewed(&self) -> Option<Result<Shown, Fault>> {
        let refresh = self.browser.as_ref().and_then(|browser| browser.refresh.as_deref());
        let refresh_token = refresh.filter(|_| !self.is_signed_in())?.to_owned();
        let request = pb::RefreshRequest { refresh_token };
        match self.ask::<pb::Credentials>("/mainstay.auth.v1.SessionService/Refresh", &request).await {
            Ok(credentials) => Some(Ok(Shown::again(self.address.clone(), Cookies::of(&credentials)))),
            // The session may be as good as ever.
            Err(fault) if fault.reason() == Some(Reason::RateLimited) => Some(Err(fault)),
            Err(_) => None,
        }
    }

    /// The refresh token of the session, and whether the browser has sent anything of one.
    pub fn session(&self) -> (Option<&str>, bool) {
        let browser = self.browser.as_ref();
        (browser.and_then(|of| of.refresh.as_deref()), browser.is_some_and(|of| of.has_session))
    }

    /// A cookie that is no session's.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.cookies.iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The token of a CAPTCHA that was solved on the page; empty where there is none.
    pub fn captcha_token(&self, form: &Form) -> String {
        let captcha = self.pages.config.captcha.as_ref();
        captcha.map(|captcha| form.text(captcha.provider.widget().field).to_owned()).unwrap_or_default()
    }

    /// Where a sign-in leads that asks for `wanted`.
    pub fn leads_to(&self, wanted: &str) -> String {
        let config = &self.pages.config;
        return_to::allowed(wanted, &config.return_to).unwrap_or(&config.home).to_owned()
    }

    /// Leads on. To where another application may be led from there by a page: what a form's answer leads to counts as where the
    /// form leads (CSP level 3, `form-action`), and where that is, is not known here.
    pub fn onward(&self, to: String) -> Shown {
        if to.starts_with(Page::Authorize.path()) { self.page("onward.html", context! { to }) } else { Shown::see(to) }
    }

    /// Writes a page.
    pub fn page(&self, template: &'static str, values: Value) -> Shown {
        Shown::page(template, values)
    }

    /// Writes a page again with what is wrong with what was sent.
    pub fn page_with(&self, template: &'static str, fault: &Fault, values: impl FnOnce(Value) -> Value) -> Shown {
        let problem = Problem::of(fault, self.language);
        Shown::page(template, values(Value::from_serialize(&problem))).status(status_of(fault))
    }

    /// Makes a page of what went wrong: where somebody has to sign in first, or to show again who they are, of that.
    pub fn failed(&self, page: Page, fault: Fault) -> Result<Shown, Fault> {
        let back = if page.methods().contains(&http::Method::GET) { &*self.address } else { Page::Account.path() };
        match fault.reason() {
            Some(Reason::InsufficientUserAuthentication) if self.is_signed_in() => {
                Ok(Shown::see(Page::Confirm.with("return_to", back)))
            }
            Some(Reason::Unauthenticated | Reason::SessionEnded | Reason::TokenExpired) => {
                Ok(Shown::see(Page::SignIn.with("return_to", back)))
            }
            _ => {
                let mut fault = fault;
                fault.log();
                Ok(self.page_with("wrong.html", &fault, |problem| context! { problem }))
            }
        }
    }
}

impl Page {
    /// Gives the page's path with one parameter.
    pub fn with(self, name: &str, value: &str) -> String {
        format!("{}?{name}={}", self.path(), query(value))
    }
}

/// The status of a page that says what went wrong. That somebody is not let in is said in words, not as HTTP has it.
fn status_of(fault: &Fault) -> StatusCode {
    match fault.http_status() {
        StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
        status => status,
    }
}
