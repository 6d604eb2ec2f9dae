//! What an installation says of an account in its tokens, by names of its own.

use serde_json::{Map, Number, Value};

/// Most bytes of all claims of an account, as JSON. They travel in every access token.
pub const MAX_CLAIMS_BYTES: usize = 4096;

/// Most values in all of them: each has a size of its own on the wire, however small it is.
pub const MAX_CLAIMS_VALUES: usize = 256;

/// How deep they may be nested.
pub const MAX_CLAIMS_DEPTH: usize = 8;

/// The largest number up to which all whole ones are told apart (RFC 7493 section 2.2).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Names and values, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Map<String, Value>);

/// The claims of an access token itself (`src/signer.rs`), and those that other tokens have (RFC 7519, RFC 9068, OpenID Connect
/// Core 1.0): by none of them an application says something of its own, since somebody might take one for the other.
const RESERVED: [&str; 29] = [
    "acr",
    "act",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "claims",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "epoch",
    "exp",
    "iat",
    "iss",
    "jti",
    "kind",
    "nbf",
    "nonce",
    "org",
    "org_roles",
    "roles",
    "scope",
    "sid",
    "sub",
    "typ",
    "withheld",
    "writes",
];

/// What the names begin with that are the platform's.
const RESERVED_PREFIX: &str = "mainstay";

/// Whether a claim of this name is none that a hook gives.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX)
}

/// Says what is wrong with claims, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    #[error("has more than {MAX_CLAIMS_BYTES} bytes as JSON")]
    TooLarge,
    #[error("has more than {MAX_CLAIMS_VALUES} values")]
    TooMany,
    #[error("is nested deeper than {MAX_CLAIMS_DEPTH}")]
    TooDeep,
    #[error("has a name that is empty")]
    NoName,
    #[error("has a text with U+0000, which cannot be stored")]
    Nul,
    #[error("has a number that JSON does not have")]
    NoNumber,
}

impl Claims {
    /// Takes what claims shall be.
    pub fn new(claims: Map<String, Value>) -> Result<Claims, ClaimsError> {
        let mut left = MAX_CLAIMS_VALUES;
        check(&claims, 1, &mut left)?;
        let claims = Claims(claims);
        if claims.to_text().len() > MAX_CLAIMS_BYTES { Err(ClaimsError::TooLarge) } else { Ok(claims) }
    }

    /// Gives them with others in the place of those of the same names; `null` takes one away.
    pub fn with(&self, others: &Map<String, Value>) -> Result<Claims, ClaimsError> {
        let mut claims = self.0.clone();
        for (name, value) in others {
            match value {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.clone(), value.clone())),
            }
        }
        Claims::new(claims)
    }

    /// Takes them from the store. `None` where it is no JSON object.
    pub fn from_stored(text: &str) -> Option<Claims> {
        if text.is_empty() {
            return Some(Claims::default());
        }
        serde_json::from_str(text).ok().map(Claims)
    }

    /// Writes them for the store: nothing where there are none.
    pub fn to_stored(&self) -> String {
        if self.0.is_empty() { String::new() } else { self.to_text() }
    }

    fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn check(claims: &Map<String, Value>, depth: usize, left: &mut usize) -> Result<(), ClaimsError> {
    if depth > MAX_CLAIMS_DEPTH {
        return Err(ClaimsError::TooDeep);
    }
    claims.iter().try_for_each(|(name, value)| match name.as_str() {
        "" => Err(ClaimsError::NoName),
        name if name.contains('\0') => Err(ClaimsError::Nul),
        _ => check_value(value, depth, left),
    })
}

fn check_value(value: &Value, depth: usize, left: &mut usize) -> Result<(), ClaimsError> {
    *left = left.checked_sub(1).ok_or(ClaimsError::TooMany)?;
    match value {
        Value::Object(inner) => check(inner, depth + 1, left),
        Value::Array(_) if depth == MAX_CLAIMS_DEPTH => Err(ClaimsError::TooDeep),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, depth + 1, left)),
        Value::String(text) if text.contains('\0') => Err(ClaimsError::Nul),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Writes a number as JSON does: a whole one without a fraction. Fails for infinities and what is no number.
pub fn number(number: f64) -> Result<Number, ClaimsError> {
    let is_whole = number.fract() == 0.0 && number.abs() < EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    let written = if is_whole { Some(Number::from(number as i64)) } else { Number::from_f64(number) };
    written.ok_or(ClaimsError::NoNumber)
}
