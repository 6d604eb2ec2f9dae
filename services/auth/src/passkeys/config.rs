//! Where passkeys are good: the section `auth.passkeys` of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::Url;

use crate::mail::Circumstances;

/// The section `auth.passkeys` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasskeysConfig {
    /// The domain that passkeys are bound to: one that is changed leaves all of them behind. Absent: the host of the first of
    /// `origins`. That, or a domain above it.
    pub rp_id: Option<String>,
    /// Where pages are that may ask for passkeys: `https://app.example.org`, or what an app on a telephone has for it, after the
    /// first. Absent: `public_url`. No header of a request counts.
    pub origins: Vec<String>,
}

/// Most places that may ask.
const MOST_ORIGINS: usize = 32;

/// Says that passkeys cannot be had as they are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeysError {
    #[error(
        "auth.passkeys.origins: every entry must be an origin with a name, over TLS or on this machine, as https://app.example.org; {MOST_ORIGINS} at most"
    )]
    Origin,
    #[error("auth.passkeys.rp_id: must be the host of the first origin, or a domain above it")]
    RpId,
}

/// What a relying party is known by.
pub(super) struct Place {
    pub(super) rp_id: String,
    pub(super) origins: Vec<Url>,
}

impl PasskeysConfig {
    /// Says where passkeys are good. Nothing where there is no name that they could be bound to: browsers take neither a number
    /// nor a page that anybody could have changed on its way.
    pub(super) fn place(&self, circumstances: &Circumstances) -> Result<Option<Place>, PasskeysError> {
        if self.origins.len() > MOST_ORIGINS {
            return Err(PasskeysError::Origin);
        }
        let mut origins = self.origins.iter().map(|origin| read(origin)).collect::<Result<Vec<_>, _>>()?;
        if origins.is_empty() {
            let own = circumstances.public_url().and_then(|url| read(&url.page("/")).ok());
            origins.extend(own);
        }
        let Some(host) = origins.first().and_then(|first| first.domain().map(str::to_owned)) else {
            let nothing_is_wanted = self.origins.is_empty() && self.rp_id.is_none();
            return if nothing_is_wanted { Ok(None) } else { Err(PasskeysError::Origin) };
        };
        let rp_id = self.rp_id.clone().unwrap_or_else(|| host.clone());
        let is_above = host.strip_suffix(rp_id.as_str()).is_some_and(|left| left.is_empty() || left.ends_with('.'));
        // A domain that anybody gets names below (`org`) binds to nobody; lists of those are the browsers' to know.
        let is_domain = rp_id == host || rp_id.contains('.');
        if is_above && is_domain { Ok(Some(Place { rp_id, origins })) } else { Err(PasskeysError::RpId) }
    }
}

/// Reads an origin. Those of apps (`android:apk-key-hash:…`) have no host, and are compared as they are.
fn read(origin: &str) -> Result<Url, PasskeysError> {
    let url = Url::parse(origin).map_err(|_| PasskeysError::Origin)?;
    let is_good = match url.scheme() {
        "https" => url.domain().is_some(),
        "http" => url.domain().is_some_and(|host| host == "localhost" || host.ends_with(".localhost")),
        _ => url.host().is_none(),
    };
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if is_good && is_bare { Ok(url) } else { Err(PasskeysError::Origin) }
}
