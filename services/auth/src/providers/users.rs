//! Providers that speak no OpenID Connect: who it is is asked of their API, and told in the claims that others have.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::ProviderError;
use super::preset::Protocol;
use super::{Provider, Providers};

/// Most bytes of what an API says.
const MOST: usize = 256 * 1024;

#[derive(Deserialize)]
struct GithubUser {
    id: u64,
    login: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

/// An address of a user of GitHub's.
#[derive(Clone, Deserialize)]
struct GithubEmail {
    email: String,
    #[serde(default)]
    primary: Value,
    #[serde(default)]
    verified: Value,
}

#[derive(Deserialize)]
struct DiscordUser {
    id: String,
    username: String,
    global_name: Option<String>,
    avatar: Option<String>,
    locale: Option<String>,
    email: Option<String>,
    #[serde(default)]
    verified: Value,
}

/// Asks a provider's API whose access token it is.
pub(super) async fn claims(
    providers: &Providers,
    provider: &Provider,
    access_token: &str,
) -> Result<Map<String, Value>, ProviderError> {
    let claims = match provider.protocol {
        Protocol::Github => github(providers, provider, access_token).await?,
        Protocol::Discord => discord(providers, provider, access_token).await?,
        Protocol::Oidc => return Err(ProviderError::NoToken),
    };
    match claims {
        Value::Object(claims) => Ok(claims),
        _ => Err(ProviderError::Unreadable("its user")),
    }
}

async fn github(providers: &Providers, provider: &Provider, token: &str) -> Result<Value, ProviderError> {
    let api = match provider.issuer.as_str() {
        "https://github.com" => "https://api.github.com".to_owned(),
        enterprise => format!("{enterprise}/api/v3"),
    };
    let user: GithubUser = read(providers, &format!("{api}/user"), token).await?;
    let emails: Vec<GithubEmail> = read(providers, &format!("{api}/user/emails"), token).await?;
    let address = address_of(&emails);
    Ok(json!({
        "sub": user.id.to_string(),
        "name": user.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| user.login.clone()),
        "preferred_username": user.login,
        "picture": user.avatar_url,
        "email": address.as_ref().map(|address| address.email.clone()),
        "email_verified": address.map(|address| address.verified),
    }))
}

/// The address that counts: the first one where it is verified, else any that is. One entry of the list says both: an address is not
/// verified because another one is.
fn address_of(emails: &[GithubEmail]) -> Option<GithubEmail> {
    let is = |value: &Value| *value == Value::Bool(true);
    let verified = |address: &&GithubEmail| is(&address.verified);
    let primary = emails.iter().find(|address| is(&address.primary));
    primary.filter(verified).or_else(|| emails.iter().find(verified)).or(primary).cloned()
}

async fn discord(providers: &Providers, provider: &Provider, token: &str) -> Result<Value, ProviderError> {
    let user: DiscordUser = read(providers, &format!("{}/api/users/@me", provider.issuer), token).await?;
    let picture = user.avatar.map(|avatar| format!("https://cdn.discordapp.com/avatars/{}/{avatar}.png", user.id));
    Ok(json!({
        "sub": user.id,
        "name": user.global_name.unwrap_or_else(|| user.username.clone()),
        "preferred_username": user.username,
        "picture": picture,
        "locale": user.locale,
        "email": user.email,
        "email_verified": user.verified,
    }))
}

async fn read<T: serde::de::DeserializeOwned>(
    providers: &Providers,
    address: &str,
    token: &str,
) -> Result<T, ProviderError> {
    let json = providers.get(address, Some(token), (MOST, "who its user is")).await?;
    serde_json::from_slice(&json).map_err(|_| ProviderError::Unreadable("who its user is"))
}
