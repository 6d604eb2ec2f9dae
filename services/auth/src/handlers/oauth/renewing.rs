//! Refresh tokens of clients (RFC 6749, section 6; RFC 9700, section 4.14.2): by the rules of sessions.

use mainstay_db::Atomic;
use mainstay_proto::auth::v1 as pb;

use super::failed::Failed;
use super::holds::{is_enabled, may, not_good};
use super::tokens::issued;
use crate::audit::{Action, Told, Trail};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::oauth::client::{GrantType, OAuthClient};
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::refusal::Word;
use crate::domain::oauth::scope::Scopes;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::session::Verdict;
use crate::error::Error;
use crate::store::oauth::grants;

/// How often an exchange looks at the authorisation again after another call changed it in between.
const MAX_ATTEMPTS: usize = 5;

pub(super) async fn issue(
    core: &Core,
    client: &OAuthClient,
    request: pb::IssueTokenRequest,
    trail: Trail,
) -> Result<pb::IssueTokenResponse, Failed> {
    may(client, GrantType::Refresh)?;
    if request.renewed_token.is_empty() {
        return Err(Failed::new(Word::InvalidRequest, "refresh_token is required"));
    }
    let token = RefreshToken::parse(&request.renewed_token).ok_or_else(not_good)?;
    for _ in 0..MAX_ATTEMPTS {
        if let Some((grant, account, next)) = exchange(core, client, &token, &trail).await? {
            let scopes = narrowed(&grant, &request.scope)?;
            return issued(core, (&grant, account), &scopes, Some(&next), false);
        }
    }
    Err(Failed::Error(Error::Contention))
}

/// What of what was agreed to an access token is to be good for.
fn narrowed(grant: &Grant, scope: &str) -> Result<Scopes, Failed> {
    if scope.is_empty() {
        return Ok(grant.scopes.clone());
    }
    let wanted = Scopes::read(scope);
    let is_within = grant.scopes.cover(&wanted) && !wanted.is_empty();
    if is_within { Ok(wanted) } else { Err(Failed::new(Word::InvalidScope, "more is asked for than was agreed to")) }
}

/// What becomes of a refresh token.
enum Used {
    Next(Box<(Grant, AccountId, RefreshToken)>),
    /// It is not good. Where it was copied, the authorisation has ended.
    Not,
    /// Another call was faster: it has to be looked at again.
    Raced,
}

async fn exchange(
    core: &Core,
    client: &OAuthClient,
    token: &RefreshToken,
    trail: &Trail,
) -> Result<Option<(Grant, AccountId, RefreshToken)>, Failed> {
    let (token, trail, client_id) = (token.clone(), trail.clone(), client.id);
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    let used = core.database.write(Atomic::Transaction, move |conn| {
        let (token, trail) = (token.clone(), trail.clone());
        Box::pin(async move {
            let Some(row) = grants::find(conn, token.session()).await? else { return Ok(Used::Not) };
            let grant = Grant::try_from(row)?;
            let Some(account) = grant.account.filter(|_| grant.client == client_id) else { return Ok(Used::Not) };
            let current = grant.family.as_ref().map(|family| family.current);
            let used = match (grant.judge(&token, now, &timeouts), current) {
                (Verdict::Rotate | Verdict::Repeat, _) if !is_enabled(conn, account).await? => Used::Not,
                (Verdict::Rotate, Some(current)) => {
                    let successor = token.successor()?;
                    let rotated = grant.rotated(&token, &successor, now)?;
                    match grants::rotate(conn, current, &rotated).await? {
                        true => Used::Next(Box::new((rotated, account, successor))),
                        false => Used::Raced,
                    }
                }
                (Verdict::Repeat, _) => {
                    let previous = grant.family.as_ref().and_then(|family| family.previous.as_ref());
                    let sealed = previous.map(|previous| previous.sealed_successor.as_slice());
                    let successor = token.open_successor(sealed.unwrap_or_default())?;
                    Used::Next(Box::new((grant, account, successor)))
                }
                (verdict @ (Verdict::Stolen | Verdict::Over), _) => {
                    grants::remove(conn, grant.id).await?;
                    if verdict == Verdict::Stolen {
                        let told = Told::of(client_id.name());
                        trail.note(conn, now, Action::OAuthTokenReused, account, told).await?;
                    }
                    Used::Not
                }
                (Verdict::Rotate | Verdict::Foreign, _) => Used::Not,
            };
            Ok::<_, Failed>(used)
        })
    });
    match used.await? {
        Used::Next(next) => Ok(Some(*next)),
        Used::Not => Err(not_good()),
        Used::Raced => Ok(None),
    }
}
