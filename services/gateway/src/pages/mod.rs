//! Pages for people: sign-in, sign-up, what mails link to, and the settings of an account.
//!
//! They are one more client of the auth service. A page asks the methods that everybody may call, as the caller whose session the
//! browser keeps ([`crate::browser`]), and writes what they answer as HTML; nothing is decided here. Every form works without
//! scripts. What a script does beside that: it takes the secret of a link from where no server sees it, behind the `#` of an address.
//!
//! ```text
//! request -> Page (by path) -> Visit (who, in which language) -> a page's file: ask auth -> Shown -> View (template, texts) -> answer
//! ```

mod account;
mod assets;
mod authorize;
mod captcha;
mod config;
mod confirm;
mod end_session;
mod error;
mod escape;
mod factors;
mod form;
mod headers;
mod languages;
mod linked;
mod mailbox;
mod passkeys;
mod problem;
mod providers;
mod qr;
mod return_to;
mod shown;
mod sign_in;
mod sign_up;
mod view;
mod visit;

use http::{Method, Request, Response};
use mainstay_fault::Fault;
use mainstay_layers::{Body, Context};

pub use captcha::{CaptchaConfig, CaptchaProvider};
pub use config::PagesConfig;
pub use error::PagesError;
pub use form::{Form, MAX_FORM_BYTES};
pub(crate) use headers::protect;
pub use view::Pages;

use self::shown::Shown;
use self::visit::Visit;
use crate::backends::Backends;

/// Declares the pages from one table: path, which methods it takes, and what answers.
macro_rules! pages {
    ($($(#[$doc:meta])* $page:ident $path:literal $takes:ident;)*) => {
        /// A page, or what one is made of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Page { $($(#[$doc])* $page,)* }

        impl Page {
            /// All of them.
            pub const ALL: &'static [Page] = &[$(Page::$page,)*];

            /// Finds a page by its path.
            pub fn of(path: &str) -> Option<Page> {
                match path { $($path => Some(Page::$page),)* _ => None }
            }

            /// Gives its path.
            pub const fn path(self) -> &'static str {
                match self { $(Page::$page => $path,)* }
            }

            /// Gives the methods that it takes.
            pub fn methods(self) -> &'static [Method] {
                match self { $(Page::$page => $takes,)* }
            }
        }
    };
}

/// A page that is looked at.
const LOOK: &[Method] = &[Method::GET, Method::HEAD];
/// A page with a form.
const FORM: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
/// What a form does.
const DO: &[Method] = &[Method::POST];

pages! {
    /// Asks for an address and a password.
    SignIn "/auth/sign-in" FORM;
    /// Finishes a sign-in with a code of an app or a recovery code.
    SecondFactor "/auth/sign-in/factor" DO;
    /// Signs in by a passkey.
    PasskeySignIn "/auth/sign-in/passkey" DO;
    /// Sends the browser to a provider of identities.
    ProviderSignIn "/auth/sign-in/provider" DO;
    /// Takes it when it comes back.
    ProviderBack "/auth/sign-in/provider/back" LOOK;
    /// Asks for an address, and sends a mail to it that signs in.
    MailSignIn "/auth/sign-in/mail" FORM;
    /// Signs in with the code of such a mail.
    MailCode "/auth/sign-in/code" DO;
    /// Signs in with the link of such a mail.
    MailLink "/auth/sign-in/link" FORM;
    /// Makes an account.
    SignUp "/auth/sign-up" FORM;
    /// Shows that an address is its owner's.
    VerifyEmail "/auth/verify-email" FORM;
    /// Agrees to another address.
    ChangeEmail "/auth/change-email" FORM;
    /// Sends a mail to who has forgotten a password.
    ForgotPassword "/auth/forgot-password" FORM;
    /// Asks for another password.
    ResetPassword "/auth/reset-password" FORM;
    /// Makes somebody a member of an organisation.
    Invitation "/auth/invitation" FORM;
    /// Shows again who is signed in.
    Confirm "/auth/confirm" FORM;
    /// Shows it by a passkey.
    ConfirmByPasskey "/auth/confirm/passkey" DO;
    /// The settings of the account.
    Account "/auth/account" LOOK;
    /// Changes what the account is called.
    Profile "/auth/account/profile" DO;
    /// Begins to change the account's address.
    Email "/auth/account/email" DO;
    /// Changes the account's password.
    Password "/auth/account/password" DO;
    /// Sends the mail again that verifies the account's address.
    VerifyAgain "/auth/account/verify" DO;
    /// Ends one of the account's sessions.
    EndOne "/auth/account/end-session" DO;
    /// Ends all of the account's sessions but this one.
    EndSessions "/auth/account/end-sessions" DO;
    /// Removes the account.
    Delete "/auth/account/delete" FORM;
    /// The account's second factors.
    Factors "/auth/account/factors" LOOK;
    /// Begins to enrol an app that makes codes.
    EnrollTotp "/auth/account/factors/enroll" DO;
    /// Enrols it.
    ConfirmTotp "/auth/account/factors/confirm" DO;
    /// Adds a passkey.
    AddPasskey "/auth/account/factors/passkey" DO;
    /// Removes a factor.
    RemoveFactor "/auth/account/factors/remove" DO;
    /// Makes other recovery codes.
    RecoveryCodes "/auth/account/factors/recovery-codes" DO;
    /// What another application asks for by a browser.
    Authorize "/auth/oauth2/authorize" FORM;
    /// Does what somebody has decided about that.
    Consent "/auth/oauth2/consent" DO;
    /// Ends the session for another application.
    EndSession "/auth/oauth2/logout" FORM;
    /// Takes the code that a device shows.
    Device "/auth/device" FORM;
    /// Does what somebody has decided about the device.
    DeviceConsent "/auth/device/consent" DO;
    /// The applications that the account's owner has agreed to.
    Applications "/auth/account/applications" LOOK;
    /// Takes back what was agreed to.
    TakeBack "/auth/account/applications/remove" DO;
    /// Ends the session.
    SignOut "/auth/sign-out" DO;
    /// The mails that were not sent, in development.
    Mailbox "/auth/mailbox" LOOK;
    /// How pages look.
    Style "/auth/pages/style.css" LOOK;
    /// What they do by a script.
    Script "/auth/pages/script.js" LOOK;
    /// The application's mark, where it has one.
    Logo "/auth/pages/logo" LOOK;
}

/// Answers a request for a page. What goes wrong is a page, too.
pub async fn serve(
    backends: &Backends,
    pages: &Pages,
    page: Page,
    (request, context): (Request<Body>, Context),
) -> Result<Response<Body>, Fault> {
    if let Some(asset) = assets::find(page, (&pages.style, pages.logo.as_ref()), &pages.policy) {
        return asset;
    }
    let (parts, body) = request.into_parts();
    let posted = parts.method == Method::POST;
    let visit = Visit::new(backends, pages, page, &parts, context);
    let done = match visit.renewed().await {
        Some(again) => again,
        None if posted => match Form::read(&parts.headers, body).await {
            Ok(form) => submit(&visit, page, &form).await,
            Err(fault) => Err(fault),
        },
        None => show(&visit, page).await,
    };
    done.or_else(|fault| visit.failed(page, fault)).and_then(|shown| shown.answer(pages, &visit.viewer()))
}

async fn show(visit: &Visit<'_>, page: Page) -> Result<Shown, Fault> {
    match page {
        Page::SignIn => sign_in::show(visit).await,
        Page::ProviderBack => providers::back(visit).await,
        Page::MailSignIn => Ok(sign_in::ask_for_mail(visit)),
        Page::SignUp => Ok(sign_up::show(visit)),
        Page::MailLink | Page::VerifyEmail | Page::ChangeEmail | Page::ResetPassword | Page::Invitation => {
            Ok(linked::show(visit, page))
        }
        Page::ForgotPassword => Ok(linked::ask_for_reset(visit)),
        Page::Confirm => confirm::show(visit).await,
        Page::Account => account::show(visit).await,
        Page::Delete => account::ask_to_delete(visit),
        Page::Factors => factors::show(visit).await,
        Page::Authorize => authorize::show(visit).await,
        Page::EndSession => end_session::show(visit).await,
        Page::Device => Ok(authorize::ask_for_code(visit)),
        Page::Applications => authorize::applications(visit).await,
        Page::Mailbox => mailbox::show(visit).await,
        _ => Err(Fault::internal("a page is shown that has nothing to show")),
    }
}

async fn submit(visit: &Visit<'_>, page: Page, form: &Form) -> Result<Shown, Fault> {
    match page {
        Page::SignIn => sign_in::submit(visit, form).await,
        Page::SecondFactor => sign_in::finish(visit, form).await,
        Page::PasskeySignIn => passkeys::sign_in(visit, form).await,
        Page::ProviderSignIn => providers::start(visit, form).await,
        Page::MailSignIn => sign_in::send_mail(visit, form).await,
        Page::MailCode => sign_in::by_code(visit, form).await,
        Page::SignUp => sign_up::submit(visit, form).await,
        Page::MailLink => sign_in::by_link(visit, form).await,
        Page::VerifyEmail => linked::verify(visit, form).await,
        Page::ChangeEmail => linked::change(visit, form).await,
        Page::ForgotPassword => linked::send_reset(visit, form).await,
        Page::ResetPassword => linked::reset(visit, form).await,
        Page::Invitation => linked::accept(visit, form).await,
        Page::Confirm => confirm::submit(visit, form).await,
        Page::ConfirmByPasskey => passkeys::confirm(visit, form).await,
        Page::Profile => account::change_profile(visit, form).await,
        Page::Email => account::change_email(visit, form).await,
        Page::Password => account::change_password(visit, form).await,
        Page::VerifyAgain => account::verify_again(visit).await,
        Page::EndOne => account::end_session(visit, form).await,
        Page::EndSessions => account::end_sessions(visit).await,
        Page::Delete => account::delete(visit, form).await,
        Page::EnrollTotp => factors::enroll(visit, form).await,
        Page::ConfirmTotp => factors::confirm(visit, form).await,
        Page::AddPasskey => passkeys::add(visit, form).await,
        Page::RemoveFactor => factors::remove(visit, form).await,
        Page::RecoveryCodes => factors::other_codes(visit).await,
        Page::Authorize => authorize::sent(form),
        Page::Consent => authorize::decide(visit, form).await,
        Page::EndSession => end_session::submit(visit, form).await,
        Page::Device => authorize::show_device(visit, form).await,
        Page::DeviceConsent => authorize::decide_device(visit, form).await,
        Page::TakeBack => authorize::take_back(visit, form).await,
        Page::SignOut => sign_in::out(visit).await,
        _ => Err(Fault::internal("a form was sent to a page that has none")),
    }
}
