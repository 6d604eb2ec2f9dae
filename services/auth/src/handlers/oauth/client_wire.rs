//! Clients on the wire.

use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;

use crate::domain::oauth::client::{Authentication, GrantType, OAuthClient, keys_of};
use crate::domain::oauth::scope::Scopes;
use crate::domain::oauth::secrets::ClientSecret;
use crate::domain::oauth::uris;
use crate::domain::organisation::check_display_name;
use crate::handlers::timestamp;

const PREFIX: &str = "oauth_client.";

pub(super) fn to_pb(client: &OAuthClient, secret: Option<&ClientSecret>) -> pb::OAuthClient {
    let authentication = match client.authentication {
        Authentication::Secret => pb::o_auth_client::Authentication::Secret,
        Authentication::PrivateKey => pb::o_auth_client::Authentication::PrivateKeyJwt,
        Authentication::None => pb::o_auth_client::Authentication::None,
    };
    let grant = |grant: &GrantType| match grant {
        GrantType::Code => pb::o_auth_client::Grant::AuthorizationCode,
        GrantType::Refresh => pb::o_auth_client::Grant::RefreshToken,
        GrantType::Device => pb::o_auth_client::Grant::DeviceCode,
    };
    pb::OAuthClient {
        name: client.id.name(),
        client_id: client.id.to_string(),
        display_name: client.display_name.clone(),
        client_uri: client.client_uri.clone(),
        redirect_uris: client.redirect_uris.clone(),
        post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
        scopes: client.scopes.words(),
        grants: client.grants.iter().map(|one| grant(one).into()).collect(),
        authentication: authentication.into(),
        jwks: client.jwks.clone(),
        trusted: client.trusted,
        client_secret: secret.map(ClientSecret::to_text).unwrap_or_default(),
        create_time: Some(timestamp(client.create_time)),
        update_time: Some(timestamp(client.update_time)),
        etag: client.revision.etag(),
    }
}

pub(super) fn authentication(wanted: &pb::OAuthClient) -> Result<Authentication, Violation> {
    match pb::o_auth_client::Authentication::try_from(wanted.authentication) {
        Ok(pb::o_auth_client::Authentication::Unspecified | pb::o_auth_client::Authentication::Secret) => {
            Ok(Authentication::Secret)
        }
        Ok(pb::o_auth_client::Authentication::PrivateKeyJwt) => Ok(Authentication::PrivateKey),
        Ok(pb::o_auth_client::Authentication::None) => Ok(Authentication::None),
        Err(_) => Err(Violation::new("oauth_client.authentication", "is none that is known here")),
    }
}

/// Puts the fields that are named of what is wanted into a client, or says all that is wrong.
pub(super) fn put(client: &mut OAuthClient, wanted: &pb::OAuthClient, fields: &[&str]) -> Result<(), Vec<Violation>> {
    let mut wrong = Vec::new();
    let mut say = |field: String, problem: String| wrong.push(Violation::new(format!("{PREFIX}{field}"), problem));
    for field in fields {
        match *field {
            "display_name" => match check_display_name(&wanted.display_name) {
                Ok(()) => client.display_name = wanted.display_name.clone(),
                Err(problem) => say("display_name".to_owned(), problem.to_string()),
            },
            "client_uri" => match wanted.client_uri.as_str() {
                "" => client.client_uri = String::new(),
                uri => match uris::problem(uri, true) {
                    None if uris::is_proof(uri) => client.client_uri = uri.to_owned(),
                    problem => say("client_uri".to_owned(), problem.unwrap_or("is not `https`").to_owned()),
                },
            },
            "redirect_uris" => {
                addresses(&wanted.redirect_uris, client.authentication, "redirect_uris", &mut say);
                client.redirect_uris.clone_from(&wanted.redirect_uris);
            }
            "post_logout_redirect_uris" => {
                let given = &wanted.post_logout_redirect_uris;
                addresses(given, client.authentication, "post_logout_redirect_uris", &mut say);
                client.post_logout_redirect_uris.clone_from(given);
            }
            "scopes" => match Scopes::from_words(&wanted.scopes) {
                Ok(scopes) if scopes.is_empty() => client.scopes = Scopes::all(),
                Ok(scopes) => client.scopes = scopes,
                Err(index) => {
                    say(format!("scopes[{index}]"), "is none of openid, profile, email, offline_access".to_owned());
                }
            },
            "grants" => match grants(wanted) {
                Ok(grants) => client.grants = grants,
                Err(index) => say(format!("grants[{index}]"), "is none that is known here".to_owned()),
            },
            "jwks" => client.jwks.clone_from(&wanted.jwks),
            "trusted" => client.trusted = wanted.trusted,
            _ => {}
        }
    }
    whole(client, &mut say);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Finds what is wrong with a client as a whole.
fn whole(client: &OAuthClient, say: &mut impl FnMut(String, String)) {
    match (client.authentication, client.jwks.as_str()) {
        (Authentication::PrivateKey, jwks) => {
            if let Err(problem) = keys_of(jwks) {
                say("jwks".to_owned(), problem);
            }
        }
        (_, "") => {}
        _ => say("jwks".to_owned(), "is for clients that sign (`PRIVATE_KEY_JWT`)".to_owned()),
    }
    if client.may(GrantType::Code) && client.redirect_uris.is_empty() {
        say("redirect_uris".to_owned(), "is required for `AUTHORIZATION_CODE`".to_owned());
    }
}

fn addresses(given: &[String], authentication: Authentication, field: &str, say: &mut impl FnMut(String, String)) {
    if given.len() > uris::MAX_URIS {
        say(field.to_owned(), format!("has more than {} entries", uris::MAX_URIS));
    }
    for (index, uri) in given.iter().take(uris::MAX_URIS).enumerate() {
        if let Some(problem) = uris::problem(uri, authentication != Authentication::None) {
            say(format!("{field}[{index}]"), problem.to_owned());
        }
    }
}

/// Gives what a client may exchange; the place of the first that means nothing.
fn grants(wanted: &pb::OAuthClient) -> Result<Vec<GrantType>, usize> {
    let read =
        wanted.grants.iter().enumerate().map(|(index, grant)| match pb::o_auth_client::Grant::try_from(*grant) {
            Ok(pb::o_auth_client::Grant::AuthorizationCode) => Ok(GrantType::Code),
            Ok(pb::o_auth_client::Grant::RefreshToken) => Ok(GrantType::Refresh),
            Ok(pb::o_auth_client::Grant::DeviceCode) => Ok(GrantType::Device),
            Ok(pb::o_auth_client::Grant::Unspecified) | Err(_) => Err(index),
        });
    let mut grants = read.collect::<Result<Vec<_>, _>>()?;
    if grants.is_empty() {
        grants = vec![GrantType::Code, GrantType::Refresh];
    }
    grants.sort_unstable();
    grants.dedup();
    Ok(grants)
}
