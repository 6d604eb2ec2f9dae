//! Service accounts at the token endpoint (RFC 6749, section 4.4): with a key of theirs as the secret, or with a signature of a key
//! pair (RFC 7523). What they get is the token that `ExchangeKey` gives.

use std::net::IpAddr;

use mainstay_db::Lane;
use mainstay_identity::{KeySet, SERVICE_UID_PREFIX};
use mainstay_layers::context;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::failed::Failed;
use super::proof::{check, signed_by, unknown, verify};
use crate::core::Core;
use crate::domain::oauth::client::key_of;
use crate::domain::oauth::refusal::Word;
use crate::domain::service_account::{KeySecret, ServiceAccount, ServiceAccountId, admits, network};
use crate::error::Error;
use crate::handlers::credentials::TOKEN_TYPE;
use crate::handlers::origin;
use crate::handlers::service_keys::{find_enabled, note_use};
use crate::signer::AccessToken;
use crate::store::service_accounts::{self as store, KeyRow};

pub(super) async fn issue(
    core: &Core,
    request: Request<pb::IssueTokenRequest>,
) -> Result<pb::IssueTokenResponse, Failed> {
    let peer = context(&request).map_err(Error::Stack)?.peer;
    let attempt = core.limits.token(origin(&request)?).map_err(Error::from)?;
    let proof = request.into_inner().client.unwrap_or_default();
    let (account, key) = shown(core, &proof, peer).await?;
    attempt.succeeded();
    note_use(core, &key, core.clock.now_micros()).await?;
    let AccessToken { text, seconds } = core.signer.service_token(&account, &key)?;
    Ok(pb::IssueTokenResponse {
        access_token: text,
        token_type: TOKEN_TYPE.to_owned(),
        expires_in: i32::try_from(seconds).unwrap_or(i32::MAX),
        ..Default::default()
    })
}

/// Finds the service account that has shown one of its keys, from where that may be used. A client of the OAuth kind acts for people alone.
pub(super) async fn shown(
    core: &Core,
    proof: &pb::OAuthClientProof,
    peer: Option<IpAddr>,
) -> Result<(ServiceAccount, KeyRow), Failed> {
    check(proof)?;
    let signer = signed_by(proof)?;
    let named = signer.as_deref().unwrap_or(&proof.client_id);
    let id: ServiceAccountId =
        named.strip_prefix(SERVICE_UID_PREFIX).unwrap_or(named).parse().map_err(|_| unknown())?;
    let found = core.database.read(Lane::Inline, move |conn| {
        Box::pin(async move {
            let account = find_enabled(conn, id).await?;
            Ok::<_, Failed>((account, store::keys(conn, id).await?))
        })
    });
    let (account, keys) = found.await?;
    let Some(account) = account else { return Err(not_a_machine(core, named).await?) };
    let now = core.clock.now_micros();
    let good = |key: &&KeyRow| key.expire_time.is_none_or(|expire_time| now < expire_time);
    let key = match signer {
        Some(signer) => by_signature(core, (&proof.client_assertion, &signer), keys.iter().filter(good)).await?,
        None => {
            let secret = KeySecret::parse(&proof.client_secret).ok_or_else(unknown)?;
            let is_it = |key: &&KeyRow| key.public_key.is_empty() && secret.is(&key.secret_hash);
            keys.iter().filter(good).find(is_it).cloned()
        }
    };
    let key = key.ok_or_else(unknown)?;
    let networks: Vec<_> = key.networks.split_whitespace().filter_map(network).collect();
    if admits(&networks, peer) { Ok((account, key)) } else { Err(unknown()) }
}

/// Says to a client that exists and is none of a service account's that it acts for people.
async fn not_a_machine(core: &Core, id: &str) -> Result<Failed, Failed> {
    Ok(match super::proof::find(core, id).await? {
        Some(_) => Failed::new(Word::UnauthorizedClient, "client_credentials is for service accounts"),
        None => unknown(),
    })
}

/// Finds the key that has signed. The header names it (`kid`) where there are several, by the uid that it has here.
async fn by_signature(
    core: &Core,
    (assertion, id): (&str, &str),
    keys: impl Iterator<Item = &KeyRow>,
) -> Result<Option<KeyRow>, Failed> {
    let pairs: Vec<&KeyRow> = keys.filter(|key| !key.public_key.is_empty()).collect();
    for row in &pairs {
        // It may be known by the name that its owner has given it, too.
        let known = [Some(row.uid.as_str()), None].into_iter().filter_map(|kid| key_of(&row.public_key, kid).ok());
        for key in known {
            let set = KeySet::new([key]).unwrap_or_default();
            // Only the right key's proof is noted as shown.
            match verify(core, assertion, id, &set).await {
                Ok(()) => return Ok(Some((*row).clone())),
                Err(Failed::Refused(_)) => {}
                Err(failed) => return Err(failed),
            }
        }
    }
    Ok(None)
}
