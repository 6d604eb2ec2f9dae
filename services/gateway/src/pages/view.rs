//! Templates, texts and looks: read once, at the start.

use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;
use http::HeaderValue;
use mainstay_fault::Fault;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::Page;
use super::assets::{self, Logo};
use super::captcha::CaptchaConfig;
use super::config::PagesConfig;
use super::error::PagesError;
use super::escape::query;
use super::languages::{Language, Languages};

const TEMPLATES: [(&str, &str); 23] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("account.html", include_str!("templates/account.html")),
    ("applications.html", include_str!("templates/applications.html")),
    ("consent.html", include_str!("templates/consent.html")),
    ("device.html", include_str!("templates/device.html")),
    ("onward.html", include_str!("templates/onward.html")),
    ("sign-out.html", include_str!("templates/sign-out.html")),
    ("confirm.html", include_str!("templates/confirm.html")),
    ("delete.html", include_str!("templates/delete.html")),
    ("done.html", include_str!("templates/done.html")),
    ("enroll.html", include_str!("templates/enroll.html")),
    ("factor.html", include_str!("templates/factor.html")),
    ("factors.html", include_str!("templates/factors.html")),
    ("forgot-password.html", include_str!("templates/forgot-password.html")),
    ("linked.html", include_str!("templates/linked.html")),
    ("mail-code.html", include_str!("templates/mail-code.html")),
    ("mail-sign-in.html", include_str!("templates/mail-sign-in.html")),
    ("mailbox.html", include_str!("templates/mailbox.html")),
    ("recovery-codes.html", include_str!("templates/recovery-codes.html")),
    ("sign-in.html", include_str!("templates/sign-in.html")),
    ("sign-up.html", include_str!("templates/sign-up.html")),
    ("wrong.html", include_str!("templates/wrong.html")),
];

/// What all pages are made of.
#[derive(Debug)]
pub struct Pages {
    pub(super) config: PagesConfig,
    pub(super) languages: Languages,
    pub(super) style: Bytes,
    pub(super) logo: Option<Logo>,
    /// What pages may load and where their forms may lead.
    pub(super) policy: HeaderValue,
    /// Changes when what pages are made of does.
    pub(super) version: String,
    engine: Environment<'static>,
}

/// Whom a page is written for.
pub struct Viewer<'v> {
    pub language: &'v Language,
    /// Whether somebody is signed in.
    pub signed_in: bool,
    /// Whether they act as somebody else.
    pub acting: bool,
}

impl Pages {
    /// Reads what pages are made of; nothing where there shall be none.
    pub fn load(config: &PagesConfig) -> Result<Option<Pages>, PagesError> {
        if !config.enabled {
            return Ok(None);
        }
        let folder = config.folder.as_deref();
        let mut engine = Environment::empty();
        engine.set_auto_escape_callback(|_| AutoEscape::Html);
        engine.set_undefined_behavior(UndefinedBehavior::Chainable);
        engine.add_filter("replace", minijinja::filters::replace);
        engine.add_filter("default", minijinja::filters::default);
        engine.add_filter("items", minijinja::filters::items);
        engine.add_filter("query", |value: String| query(&value));
        for (name, text) in TEMPLATES {
            engine.add_template(name, text)?;
        }
        let style = assets::style(folder.map(own_style).transpose()?.flatten());
        let logo = folder.map(assets::logo).transpose()?.flatten();
        let version = assets::version(&style, logo.as_ref());
        let languages = Languages::load(folder, &config.default_locale)?;
        let policy = HeaderValue::try_from(policy(&config.return_to))?;
        Ok(Some(Pages { config: config.clone(), languages, style, logo, policy, version, engine }))
    }

    /// Writes a page for whoever looks at it.
    pub(super) fn write(&self, template: &str, values: &Value, viewer: &Viewer<'_>) -> Result<String, Fault> {
        let template = self.engine.get_template(template).map_err(Fault::internal)?;
        let around = context! {
            t => viewer.language.texts(),
            locale => &viewer.language.tag,
            application => &self.config.application,
            logo => self.logo.is_some(),
            version => &self.version,
            signed_in => viewer.signed_in,
            acting => viewer.acting,
            sign_in_page => Page::SignIn.path(),
            captcha => self.config.captcha.as_ref().map(widget),
        };
        template.render(context! { ..values.clone(), ..around }).map_err(Fault::internal)
    }
}

/// What the templates need to show a CAPTCHA.
fn widget(captcha: &CaptchaConfig) -> Value {
    let widget = captcha.provider.widget();
    context! { script => widget.script, class => widget.class, site_key => &captcha.site_key }
}

/// The content security policy (CSP level 3). What a form's answer leads to counts as where the form leads.
fn policy(return_to: &[String]) -> String {
    let origins = return_to.iter().filter_map(|address| {
        let uri = address.parse::<http::Uri>().ok()?;
        Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
    });
    let mut forms: Vec<String> = std::iter::once("'self'".to_owned()).chain(origins).collect();
    forms.dedup();
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action {}; \
         frame-ancestors 'none'; base-uri 'none'",
        forms.join(" ")
    )
}

fn own_style(folder: &Path) -> Result<Option<String>, PagesError> {
    let path = folder.join("style.css");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PagesError::File { path, source }),
    }
}
