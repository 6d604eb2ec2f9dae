use serde::Deserialize;
use serde_json::{Map, Value};

use crate::json::read_strictly;
use crate::{Actor, MAX_CLOCK_SKEW, Principal, TokenError, User, VerifierConfig};

/// The claims that make a caller (RFC 9068 §2.2 and ours). Others are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    sid: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    roles: Vec<String>,
    /// Ours: see [`Principal::withholds`].
    #[serde(default)]
    withheld: Vec<String>,
    /// Ours: see [`Principal::epoch`].
    #[serde(default)]
    epoch: i64,
    /// How the user has shown who they are (RFC 8176).
    #[serde(default)]
    amr: Vec<String>,
    /// How sure that is: `aal1` to `aal3`.
    acr: Option<String>,
    /// When the user last did so (OpenID Connect Core section 2).
    auth_time: Option<i64>,
    /// Ours: see [`Principal::organisation`].
    org: Option<String>,
    #[serde(default)]
    org_roles: Vec<String>,
    /// Ours: see [`Principal::claims`].
    #[serde(default)]
    claims: Map<String, Value>,
    /// Ours: what kind of account it is, where it is no person's.
    #[serde(default)]
    kind: AccountKind,
    /// The client that an OAuth token was given to (RFC 9068 section 2.2). It opens what OAuth has it open, and no service takes it
    /// for its user.
    client_id: Option<String>,
    /// Who acts as the user (RFC 8693 section 4.1).
    act: Option<Act>,
    /// Ours: whether they may change something.
    #[serde(default)]
    writes: bool,
    /// Ours: see [`Principal::upstream`].
    upstream: Option<String>,
}

/// Who acts as the user. One of whom it is not said by which session is nobody: nothing would end it.
#[derive(Debug, Deserialize)]
struct Act {
    sub: String,
    sid: String,
    epoch: i64,
}

/// What an account is. A token of a kind that is not known here is no token: what such an account may do is not known either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AccountKind {
    #[default]
    User,
    Anonymous,
}

/// The names of the levels, from the first on.
const LEVELS: [&str; 3] = ["aal1", "aal2", "aal3"];

fn level(name: &str) -> Option<u8> {
    let index = LEVELS.iter().position(|level| *level == name)?;
    u8::try_from(index + 1).ok()
}

/// `aud` is a string or a list of strings (RFC 7519 §4.1.3).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Audience::One(one) => one == wanted,
            Audience::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

impl Claims {
    /// Reads the claims. Fails when one is missing, mistyped or given twice.
    pub(crate) fn read(json: &[u8]) -> Result<Claims, TokenError> {
        read_strictly(json).map_err(|_| TokenError::Malformed("claims"))
    }

    /// Fails unless the token was made by our issuer for our audience and is valid at `now` (seconds since the epoch).
    ///
    /// There is no leeway at the end. A token from the future is refused too: when a clock jumps back by a day, the tokens
    /// that expired in that day do not come to life again.
    pub(crate) fn check(&self, config: &VerifierConfig, now: i64) -> Result<(), TokenError> {
        if self.iss != config.issuer {
            return Err(TokenError::Claim("iss"));
        }
        if !self.aud.contains(&config.audience) {
            return Err(TokenError::Claim("aud"));
        }
        if self.sub.is_empty() {
            return Err(TokenError::Claim("sub"));
        }
        if self.client_id.is_some() {
            return Err(TokenError::Claim("client_id"));
        }
        if self.exp <= now {
            return Err(TokenError::Expired);
        }
        let latest_start = now.saturating_add(MAX_CLOCK_SKEW.as_secs().cast_signed());
        if self.iat > latest_start {
            return Err(TokenError::Claim("iat"));
        }
        if self.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(TokenError::Claim("nbf"));
        }
        Ok(())
    }

    /// Whether it was made for one of the application's own services.
    pub(crate) fn is_for_upstream(&self) -> bool {
        self.upstream.is_some()
    }

    pub(crate) fn into_principal(self) -> Principal {
        // Roles in no organisation are worth nothing.
        let organisation = self.org.filter(|org| !org.is_empty());
        let organisation_roles = if organisation.is_some() { self.org_roles } else { Vec::new() };
        Principal::user(User {
            uid: self.sub,
            session_id: self.sid,
            email: self.email,
            email_verified: self.email_verified,
            roles: self.roles,
            withheld: self.withheld,
            issued_at: Some(self.iat),
            expires_at: Some(self.exp),
            epoch: self.epoch,
            level: self.acr.as_deref().and_then(level).unwrap_or_default(),
            methods: self.amr,
            authenticated_at: self.auth_time,
            organisation,
            organisation_roles,
            claims: self.claims,
            is_unnamed: self.kind == AccountKind::Anonymous,
            may_change: self.act.is_some() && self.writes,
            upstream: self.upstream,
            actor: self.act.map(|act| Actor { uid: act.sub, session_id: act.sid, epoch: act.epoch }),
        })
    }
}
