//! Makes of a provider's claims what it says of its user.

use serde_json::{Map, Value};

use super::Provider;
use super::error::ProviderError;
use super::token::seconds;
use crate::domain::email::Email;
use crate::domain::provider::{Address, Asserted, MAX_SUBJECT_BYTES, domain};
use crate::domain::{locale, profile};

/// Reads claims, by the names that the settings give them. What cannot be shown or stored is left out: nobody is kept out because
/// of a name.
pub(super) fn assert(provider: &Provider, claims: &Map<String, Value>) -> Result<Asserted, ProviderError> {
    let text = |claim: &str| at(claims, claim).and_then(Value::as_str);
    let names = &provider.names;
    let subject = text("sub").filter(|subject| is_subject(subject)).ok_or(ProviderError::Subject)?;
    let email = text(&names.email).and_then(|text| Email::parse(text).ok());
    // `true` and nothing else: "true", 1 and what is left out say nothing.
    let verified = at(claims, &names.email_verified) == Some(&Value::Bool(true));
    let address = email.map(|email| {
        let is_of_own_domain =
            provider.own_domain.and_then(text).is_some_and(|own| own.eq_ignore_ascii_case(domain(&email)));
        let trusted = provider.trusted.include(&email) || is_of_own_domain;
        Address { email, verified, trusted }
    });
    let picture = text(&names.picture).filter(|text| profile::check_picture_uri(text).is_ok());
    // Some write it as their operating system does.
    let locale = text(&names.locale).map(|tag| tag.replace('_', "-")).filter(|tag| locale::check(tag).is_ok());
    let taken = provider.account_claims.iter();
    let claims_of_account =
        taken.map(|(name, claim)| (name.clone(), at(claims, claim).cloned().unwrap_or(Value::Null))).collect();
    Ok(Asserted {
        provider: provider.id.clone(),
        issuer: provider.issuer.clone(),
        subject: subject.to_owned(),
        address,
        display_name: text(&names.display_name).and_then(|name| profile::display_name(name).ok()).unwrap_or_default(),
        picture_uri: picture.unwrap_or_default().to_owned(),
        locale: locale.unwrap_or_default(),
        claims: claims_of_account,
        auth_time: claims.get("auth_time").and_then(seconds),
    })
}

/// ASCII, as OpenID Connect Core section 2 has it; nothing that a store or a log would stumble over.
fn is_subject(subject: &str) -> bool {
    (1..=MAX_SUBJECT_BYTES).contains(&subject.len()) && subject.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Finds a claim: by its name, which may have points in it as those that are addresses have, or else by its path.
fn at<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, part| value.get(part))
}
