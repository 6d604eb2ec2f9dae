//! Clients, as administrators register, change and remove them.

use std::time::Duration;

use mainstay_db::{Atomic, Lane};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use prost_reflect::prost::Message as _;
use tonic::Request;

use super::client_wire::{authentication, put, to_pb};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::Revision;
use crate::domain::oauth::client::{
    Authentication, Former, MAX_CLIENTS, MAX_OVERLAP, OAUTH_CLIENTS, OAuthClient, OAuthClientId, OVERLAP,
};
use crate::domain::oauth::scope::Scopes;
use crate::domain::oauth::secrets::ClientSecret;
use crate::domain::page_token;
use crate::domain::session::micros;
use crate::error::Error;
use crate::handlers::owner::require_administrators_level;
use crate::handlers::pages::page_size;
use crate::handlers::standing::own_account;
use crate::handlers::trail;
use crate::refusal::Refusal;
use crate::store::oauth::clients as store;

/// Most bytes of a page: many times what one client has at most, and well below the largest answer.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// What can be changed.
const FIELDS: [&str; 8] =
    ["display_name", "client_uri", "redirect_uris", "post_logout_redirect_uris", "scopes", "grants", "jwks", "trusted"];

/// What is said of the client alone, and passed over where it is named (AIP-203).
const OUTPUT_ONLY: [&str; 6] = ["name", "client_id", "client_secret", "create_time", "update_time", "etag"];

fn client_id((field, name): (&str, &str)) -> Result<OAuthClientId, Error> {
    let malformed = || {
        let problem = "is not `oauthClients/` with a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new(field, problem)])
    };
    name.strip_prefix(OAUTH_CLIENTS).and_then(|uid| uid.parse().ok()).ok_or_else(malformed)
}

pub(super) async fn create(
    core: &Core,
    request: Request<pb::CreateOAuthClientRequest>,
) -> Result<pb::OAuthClient, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    require_administrators_level(core, &caller).await?;
    let trail = trail(&request)?;
    let wanted = request.into_inner().oauth_client.unwrap_or_default();
    let now = core.clock.now_micros();
    let authentication = authentication(&wanted).map_err(|wrong| Error::Violations(vec![wrong]))?;
    let mut client = OAuthClient {
        id: OAuthClientId::generate(),
        display_name: String::new(),
        client_uri: String::new(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        scopes: Scopes::all(),
        grants: Vec::new(),
        authentication,
        jwks: String::new(),
        trusted: false,
        secret_hash: None,
        former: None,
        create_time: now,
        update_time: now,
        revision: Revision(0).next(now),
    };
    put(&mut client, &wanted, &FIELDS).map_err(Error::Violations)?;
    let secret = match authentication {
        Authentication::Secret => Some(ClientSecret::generate()?),
        Authentication::PrivateKey | Authentication::None => None,
    };
    client.secret_hash = secret.as_ref().map(|secret| secret.hash().0.to_vec());
    let made = client.clone();
    let stored = core.database.write(Atomic::Transaction, move |conn| {
        let (made, trail, caller) = (made.clone(), trail.clone(), caller.clone());
        Box::pin(async move {
            if store::count(conn).await? >= MAX_CLIENTS {
                return Err(Error::Refused(Refusal::TooManyOAuthClients));
            }
            store::insert(conn, &made).await?;
            let told = Told::of(made.id.name());
            trail.note_of(conn, now, Action::CreateOAuthClient, own_account(&caller), told).await
        })
    });
    stored.await?;
    Ok(to_pb(&client, secret.as_ref()))
}

async fn find(core: &Core, id: OAuthClientId) -> Result<OAuthClient, Error> {
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move { Ok::<_, Error>(store::find(conn, id).await?.map(OAuthClient::try_from).transpose()?) })
    });
    found.await?.ok_or(Error::Refused(Refusal::OAuthClientNotFound))
}

pub(super) async fn get(core: &Core, request: Request<pb::GetOAuthClientRequest>) -> Result<pb::OAuthClient, Error> {
    let id = client_id(("name", &request.get_ref().name))?;
    Ok(to_pb(&find(core, id).await?, None))
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListOAuthClientsRequest>,
) -> Result<pb::ListOAuthClientsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let request = request.into_inner();
    let size = page_size(request.page_size)?;
    let reader = format!("{} oauth clients", caller.uid().unwrap_or_default());
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<OAuthClientId>(&core.key_encryption_key, &reader, token, now)?.to_string(),
    };
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let read = core.database.read(Lane::Heavy, move |conn| {
        let after = after.clone();
        Box::pin(async move { Ok::<_, Error>(store::page(conn, &after, limit).await?) })
    });
    let mut found = read.await?.into_iter().map(OAuthClient::try_from).collect::<Result<Vec<_>, _>>()?;
    let fits = fitting(&found).min(size);
    let more = found.len() > fits;
    found.truncate(fits);
    let last = found.last().filter(|_| more).map(|client| client.id);
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let oauth_clients = found.iter().map(|client| to_pb(client, None)).collect();
    Ok(pb::ListOAuthClientsResponse { oauth_clients, next_page_token })
}

/// How many of the first clients go into one answer: a page may have fewer than were asked for (AIP-158).
fn fitting(clients: &[OAuthClient]) -> usize {
    let mut bytes = 0;
    let fits = clients.iter().take_while(|client| {
        bytes += to_pb(client, None).encoded_len();
        bytes <= MAX_PAGE_BYTES
    });
    fits.count()
}

/// Reads which fields to change; without a mask, those that are populated (AIP-134).
fn fields(paths: &[String], given: &pb::OAuthClient) -> Result<Vec<&'static str>, Error> {
    let populated = |field: &&str| match *field {
        "display_name" => !given.display_name.is_empty(),
        "client_uri" => !given.client_uri.is_empty(),
        "redirect_uris" => !given.redirect_uris.is_empty(),
        "post_logout_redirect_uris" => !given.post_logout_redirect_uris.is_empty(),
        "scopes" => !given.scopes.is_empty(),
        "grants" => !given.grants.is_empty(),
        "jwks" => !given.jwks.is_empty(),
        _ => given.trusted,
    };
    match paths {
        [] => Ok(FIELDS.into_iter().filter(populated).collect()),
        [all] if all == "*" => Ok(FIELDS.to_vec()),
        paths => {
            let wanted = paths.iter().filter(|path| !OUTPUT_ONLY.contains(&path.as_str()));
            let known = wanted.map(|path| {
                let found = FIELDS.into_iter().find(|field| field == path);
                found.ok_or_else(|| Error::Mask(format!("names `{path}`, which cannot be changed")))
            });
            known.collect()
        }
    }
}

pub(super) async fn update(
    core: &Core,
    request: Request<pb::UpdateOAuthClientRequest>,
) -> Result<pb::OAuthClient, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    require_administrators_level(core, &caller).await?;
    let trail = trail(&request)?;
    let pb::UpdateOAuthClientRequest { oauth_client, update_mask } = request.into_inner();
    let wanted = oauth_client.unwrap_or_default();
    let id = client_id(("oauth_client.name", &wanted.name))?;
    let fields = fields(&update_mask.map(|mask| mask.paths).unwrap_or_default(), &wanted)?;
    let now = core.clock.now_micros();
    let changed = core.database.write(Atomic::Transaction, move |conn| {
        let (wanted, fields, trail, caller) = (wanted.clone(), fields.clone(), trail.clone(), caller.clone());
        Box::pin(async move {
            let row = store::find(conn, id).await?.ok_or(Error::Refused(Refusal::OAuthClientNotFound))?;
            let client = OAuthClient::try_from(row)?;
            if !wanted.etag.is_empty() && wanted.etag != client.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            let mut next = client.clone();
            put(&mut next, &wanted, &fields).map_err(Error::Violations)?;
            if next == client {
                return Ok(client);
            }
            next.revision = client.revision.next(now);
            next.update_time = now;
            if !store::replace(conn, client.revision, &next).await? {
                return Err(Error::Contention);
            }
            let told = Told::of(id.name()).with("fields", fields.join(", "));
            trail.note_of(conn, now, Action::UpdateOAuthClient, own_account(&caller), told).await?;
            Ok::<_, Error>(next)
        })
    });
    Ok(to_pb(&changed.await?, None))
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteOAuthClientRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    require_administrators_level(core, &caller).await?;
    let trail = trail(&request)?;
    let pb::DeleteOAuthClientRequest { name, etag } = request.into_inner();
    let id = client_id(("name", &name))?;
    let now = core.clock.now_micros();
    let removed = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, caller, etag) = (trail.clone(), caller.clone(), etag.clone());
        Box::pin(async move {
            let row = store::find(conn, id).await?.ok_or(Error::Refused(Refusal::OAuthClientNotFound))?;
            let revision = Revision(row.revision);
            if !etag.is_empty() && etag != revision.etag() {
                return Err(Error::EtagMismatch);
            }
            if !store::remove(conn, id, revision).await? {
                return Err(Error::Contention);
            }
            let told = Told::of(id.name());
            trail.note_of(conn, now, Action::DeleteOAuthClient, own_account(&caller), told).await
        })
    });
    removed.await
}

pub(super) async fn rotate(
    core: &Core,
    request: Request<pb::RotateOAuthClientSecretRequest>,
) -> Result<pb::OAuthClient, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    require_administrators_level(core, &caller).await?;
    let trail = trail(&request)?;
    let pb::RotateOAuthClientSecretRequest { name, overlap } = request.into_inner();
    let id = client_id(("name", &name))?;
    let overlap = match overlap {
        None => OVERLAP,
        Some(overlap) => Duration::try_from(overlap)
            .ok()
            .filter(|overlap| *overlap <= MAX_OVERLAP)
            .ok_or_else(|| Error::Violations(vec![Violation::new("overlap", "must be 0 to 30 days")]))?,
    };
    let secret = ClientSecret::generate()?;
    let (hash, now) = (secret.hash().0.to_vec(), core.clock.now_micros());
    let changed = core.database.write(Atomic::Transaction, move |conn| {
        let (trail, caller, hash) = (trail.clone(), caller.clone(), hash.clone());
        Box::pin(async move {
            let row = store::find(conn, id).await?.ok_or(Error::Refused(Refusal::OAuthClientNotFound))?;
            let client = OAuthClient::try_from(row)?;
            let Some(former) = client.secret_hash.clone() else { return Err(Error::Refused(Refusal::NoClientSecret)) };
            let former = Former { hash: former, expire_time: now.saturating_add(micros(overlap)) };
            let next = OAuthClient {
                secret_hash: Some(hash),
                former: Some(former).filter(|former| former.expire_time > now),
                update_time: now,
                revision: client.revision.next(now),
                ..client.clone()
            };
            if !store::replace(conn, client.revision, &next).await? {
                return Err(Error::Contention);
            }
            let told = Told::of(id.name());
            trail.note_of(conn, now, Action::RotateOAuthClientSecret, own_account(&caller), told).await?;
            Ok::<_, Error>(next)
        })
    });
    Ok(to_pb(&changed.await?, Some(&secret)))
}
