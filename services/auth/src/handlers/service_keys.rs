//! The keys of service accounts, and what they are exchanged for.

use std::time::Duration;

use ipnet::IpNet;
use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::Principal;
use mainstay_layers::{caller, context};
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::credentials::TOKEN_TYPE;
use super::service_accounts::{governed, name_of, service_account_id};
use super::standing::own_account;
use super::{origin, timestamp, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::oauth::client::key_of;
use crate::domain::service_account::{
    KEYS, KeySecret, MAX_KEYS, MAX_NETWORKS, MAX_OVERLAP, NOTED_EVERY, OVERLAP, ServiceAccount, ServiceAccountId,
    admits, network,
};
use crate::domain::session::micros;
use crate::error::Error;
use crate::refusal::Refusal;
use crate::revoking::end_key;
use crate::signer::AccessToken;
use crate::store::organisations;
use crate::store::service_accounts::{self as store, KeyRow};

fn key_name(id: ServiceAccountId, uid: &str) -> String {
    format!("{}{KEYS}{uid}", name_of(id))
}

/// Reads `serviceAccounts/{uid}/keys/{uid}`.
fn key_id(name: &str) -> Result<(ServiceAccountId, Uuid), Error> {
    let malformed = || {
        let problem = "is not `serviceAccounts/` with a UUID and `/keys/`, and a UUID in lower-case hyphenated form";
        Error::Violations(vec![Violation::new("name", problem)])
    };
    let (account, uid) = name.split_once(KEYS).ok_or_else(malformed)?;
    let account = service_account_id(("name", account)).map_err(|_| malformed())?;
    let id = Uuid::try_parse(uid).ok().filter(|id| id.as_hyphenated().to_string() == uid);
    Ok((account, id.ok_or_else(malformed)?))
}

/// Finds a key for who administers its service account, and that.
async fn find(
    conn: &mut Conn<'_>,
    caller: &Principal,
    (id, key): (ServiceAccountId, Uuid),
) -> Result<(ServiceAccount, KeyRow), Error> {
    let account = governed(conn, caller, id).await?;
    let row = store::find_key(conn, &key.as_hyphenated().to_string()).await?;
    let row = row.filter(|row| row.service_account_uid == id.to_string());
    row.map(|row| (account, row)).ok_or(Error::Refused(Refusal::KeyNotFound))
}

/// Makes the row of a new key, and its secret.
fn new_key(
    id: ServiceAccountId,
    networks: String,
    expire_time: Option<i64>,
    now: i64,
) -> Result<(KeyRow, KeySecret), Error> {
    let uid = Uuid::now_v7();
    let secret = KeySecret::of(uid)?;
    let row = KeyRow {
        uid: uid.as_hyphenated().to_string(),
        service_account_uid: id.to_string(),
        secret_hash: secret.hash().to_vec(),
        prefix: secret.prefix(),
        networks,
        create_time: now,
        expire_time,
        last_use_time: None,
        public_key: String::new(),
    };
    Ok((row, secret))
}

/// Reads what a key is to be: from where it may be used, and until when.
fn read_wanted(wanted: &pb::ServiceAccountKey, now: i64) -> Result<(String, Option<i64>), Error> {
    let mut violations = Vec::new();
    if wanted.networks.len() > MAX_NETWORKS {
        let problem = format!("has more than {MAX_NETWORKS} entries");
        violations.push(Violation::new("service_account_key.networks", problem));
    }
    let mut networks = Vec::new();
    for (index, text) in wanted.networks.iter().take(MAX_NETWORKS).enumerate() {
        match network(text) {
            Some(network) => networks.push(network.to_string()),
            None => violations.push(Violation::new(
                format!("service_account_key.networks[{index}]"),
                "is no address and no network; write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32",
            )),
        }
    }
    let expire_time = wanted
        .expire_time
        .as_ref()
        .map(|time| time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos / 1_000)));
    if expire_time.is_some_and(|time| time <= now) {
        violations.push(Violation::new("service_account_key.expire_time", "must be in the future"));
    }
    if let Some(problem) =
        Some(&wanted.public_key).filter(|key| !key.is_empty()).and_then(|key| key_of(key, Some("-")).err())
    {
        violations.push(Violation::new("service_account_key.public_key", problem));
    }
    if violations.is_empty() { Ok((networks.join(" "), expire_time)) } else { Err(Error::Violations(violations)) }
}

pub(super) async fn create(
    core: &Core,
    request: Request<pb::CreateServiceAccountKeyRequest>,
) -> Result<pb::ServiceAccountKey, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::CreateServiceAccountKeyRequest { parent, service_account_key } = request.into_inner();
    let id = service_account_id(("parent", &parent))?;
    let wanted = service_account_key.unwrap_or_default();
    let now = core.clock.now_micros();
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail, wanted) = (caller.clone(), trail.clone(), wanted.clone());
        Box::pin(async move {
            let account = governed(conn, &caller, id).await?;
            let (networks, expire_time) = read_wanted(&wanted, now)?;
            let (row, secret) = new_key(id, networks, expire_time, now)?;
            let (row, secret) = match wanted.public_key.is_empty() {
                true => (row, Some(secret)),
                false => (signing(row, wanted.public_key), None),
            };
            add(conn, id, &row).await?;
            let told = Told::of(key_name(id, &row.uid)).owned_by(account.organisation);
            trail.note_of(conn, now, Action::CreateServiceAccountKey, own_account(&caller), told).await?;
            Ok::<_, Error>(key_to_pb(id, &row, secret.as_ref()))
        })
    });
    made.await
}

/// A key whose owner signs with it: nothing of it is secret here.
fn signing(row: KeyRow, public_key: String) -> KeyRow {
    KeyRow { secret_hash: Vec::new(), prefix: String::new(), public_key, ..row }
}

async fn add(conn: &mut Conn<'_>, id: ServiceAccountId, row: &KeyRow) -> Result<(), Error> {
    if store::keys(conn, id).await?.len() >= MAX_KEYS {
        return Err(Error::Refused(Refusal::TooManyKeys));
    }
    Ok(store::insert_key(conn, row).await?)
}

pub(super) async fn list(
    core: &Core,
    request: Request<pb::ListServiceAccountKeysRequest>,
) -> Result<pb::ListServiceAccountKeysResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let id = service_account_id(("parent", &request.get_ref().parent))?;
    let found = core.database.read(Lane::Inline, move |conn| {
        let caller = caller.clone();
        Box::pin(async move {
            governed(conn, &caller, id).await?;
            Ok::<_, Error>(store::keys(conn, id).await?)
        })
    });
    let keys = found.await?.iter().map(|row| key_to_pb(id, row, None)).collect();
    Ok(pb::ListServiceAccountKeysResponse { service_account_keys: keys, next_page_token: String::new() })
}

pub(super) async fn rotate(
    core: &Core,
    request: Request<pb::RotateServiceAccountKeyRequest>,
) -> Result<pb::ServiceAccountKey, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::RotateServiceAccountKeyRequest { name, overlap } = request.into_inner();
    let (id, key) = key_id(&name)?;
    let now = core.clock.now_micros();
    let made = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail) = (caller.clone(), trail.clone());
        Box::pin(async move {
            let (account, former) = find(conn, &caller, (id, key)).await?;
            if !former.public_key.is_empty() {
                let problem =
                    "is of a key pair: its owner makes another one, and it is added (`CreateServiceAccountKey`)";
                return Err(Error::Violations(vec![Violation::new("name", problem)]));
            }
            let overlap = match overlap {
                None => OVERLAP,
                Some(overlap) => Duration::try_from(overlap)
                    .ok()
                    .filter(|overlap| *overlap <= MAX_OVERLAP)
                    .ok_or_else(|| Error::Violations(vec![Violation::new("overlap", "must be 0 to 30 days")]))?,
            };
            let end = now.saturating_add(micros(overlap));
            let end = former.expire_time.map_or(end, |expire_time| expire_time.min(end));
            store::expire_key(conn, &former.uid, end).await?;
            let (row, secret) = new_key(id, former.networks, former.expire_time.filter(|time| *time > now), now)?;
            add(conn, id, &row).await?;
            let told = Told::of(key_name(id, &row.uid)).owned_by(account.organisation);
            let told = told.with("former", key_name(id, &former.uid));
            trail.note_of(conn, now, Action::RotateServiceAccountKey, own_account(&caller), told).await?;
            Ok::<_, Error>(key_to_pb(id, &row, Some(&secret)))
        })
    });
    made.await
}

pub(super) async fn delete(core: &Core, request: Request<pb::DeleteServiceAccountKeyRequest>) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let (id, key) = key_id(&request.get_ref().name)?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let ended = core.database.write(Atomic::Transaction, move |conn| {
        let (caller, trail) = (caller.clone(), trail.clone());
        Box::pin(async move {
            let (account, row) = find(conn, &caller, (id, key)).await?;
            if !store::remove_key(conn, &row.uid).await? {
                return Err(Error::Refused(Refusal::KeyNotFound));
            }
            let told = Told::of(key_name(id, &row.uid)).owned_by(account.organisation);
            trail.note_of(conn, now, Action::DeleteServiceAccountKey, own_account(&caller), told).await?;
            end_key(conn, moment, id, &row.uid).await
        })
    });
    core.tell([ended.await?]);
    Ok(())
}

/// Exchanges a key for a token. What is not good is told in one way, also where the key is, and the place is not.
pub(super) async fn exchange(
    core: &Core,
    request: Request<pb::ExchangeKeyRequest>,
) -> Result<pb::ExchangeKeyResponse, Error> {
    let text = request.get_ref().key.as_str();
    if text.is_empty() {
        return Err(Error::Violations(vec![Violation::new("key", "is required")]));
    }
    let attempt = core.limits.token(origin(&request)?)?;
    let peer = context(&request).map_err(Error::Stack)?.peer;
    let secret = KeySecret::parse(text).ok_or(Error::Refused(Refusal::WrongKey))?;
    let uid = secret.id().as_hyphenated().to_string();
    let found = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move {
            let Some(key) = store::find_key(conn, &uid).await? else { return Ok(None) };
            let id: ServiceAccountId =
                key.service_account_uid.parse().map_err(|_| Error::Refused(Refusal::KeyNotFound))?;
            Ok::<_, Error>(find_enabled(conn, id).await?.map(|account| (key, account)))
        })
    });
    let now = core.clock.now_micros();
    let (key, account) =
        found.await?.filter(|(key, _)| is_good(key, &secret, now)).ok_or(Error::Refused(Refusal::WrongKey))?;
    let networks: Vec<IpNet> = key.networks.split_whitespace().filter_map(network).collect();
    if !admits(&networks, peer) {
        return Err(Error::Refused(Refusal::WrongKey));
    }
    attempt.succeeded();
    note_use(core, &key, now).await?;
    let AccessToken { text, seconds } = core.signer.service_token(&account, &key)?;
    Ok(pb::ExchangeKeyResponse {
        access_token: text,
        expires_in: i32::try_from(seconds).unwrap_or(i32::MAX),
        token_type: TOKEN_TYPE.to_owned(),
    })
}

fn is_good(key: &KeyRow, secret: &KeySecret, now: i64) -> bool {
    key.public_key.is_empty()
        && secret.is(&key.secret_hash)
        && key.expire_time.is_none_or(|expire_time| now < expire_time)
}

pub(super) async fn note_use(core: &Core, key: &KeyRow, now: i64) -> Result<(), Error> {
    let since = now.saturating_sub(micros(NOTED_EVERY));
    if key.last_use_time.is_some_and(|time| time > since) {
        return Ok(());
    }
    let uid = key.uid.clone();
    let noted = core.database.write(Atomic::Statement, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(store::note_use(conn, &uid, since, now).await?) })
    });
    noted.await.map(drop)
}

fn key_to_pb(id: ServiceAccountId, row: &KeyRow, secret: Option<&KeySecret>) -> pb::ServiceAccountKey {
    pb::ServiceAccountKey {
        name: key_name(id, &row.uid),
        secret: secret.map(KeySecret::to_text).unwrap_or_default(),
        prefix: row.prefix.clone(),
        networks: row.networks.split_whitespace().map(str::to_owned).collect(),
        create_time: Some(timestamp(row.create_time)),
        expire_time: row.expire_time.map(timestamp),
        last_use_time: row.last_use_time.map(timestamp),
        public_key: row.public_key.clone(),
    }
}

/// Finds a service account, unless its organisation is disabled: it gets no token then, whatever it shows.
pub(in crate::handlers) async fn find_enabled(
    conn: &mut Conn<'_>,
    id: ServiceAccountId,
) -> Result<Option<ServiceAccount>, Error> {
    let row = store::find(conn, id).await?;
    let Some(account) = row.map(ServiceAccount::try_from).transpose()? else { return Ok(None) };
    let is_disabled = match account.organisation {
        Some(organisation) => organisations::is_disabled(conn, organisation).await?,
        None => false,
    };
    Ok(Some(account).filter(|_| !is_disabled))
}
