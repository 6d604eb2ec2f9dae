//! Page tokens: opaque, sealed, and good for one list of one caller only (AIP-158).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_keys::SealingKey;
use mainstay_record::{NumberPath, Value};
use ring::digest::{Context, SHA256};

use crate::plans::Position;

/// How long a token can be used, in seconds: three days, as AIP-158 suggests.
pub const LIFETIME_SECONDS: i64 = 3 * 24 * 60 * 60;
/// The longest token that is looked at, in bytes of text.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

const VERSION: u8 = 1;
const PURPOSE: &[u8] = b"mainstay page token";
const BINDING_BYTES: usize = 16;

/// What a page token is bound to: it opens for the same list and the same caller only.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    pub resource_type: &'a str,
    pub parent: &'a str,
    pub filter: &'a str,
    pub order_by: &'a str,
    pub show_deleted: bool,
    pub principal: &'a str,
}

/// Why a token is refused. The client is told only that it is not valid here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the page token is not one that this method gave out for the same filter, order and parent")]
    Invalid,
    #[error("the page token has expired; start the list again")]
    Expired,
}

/// Seals the position after the last row of a page.
pub fn seal(
    key: &SealingKey,
    binding: &Binding<'_>,
    position: &Position,
    now_seconds: i64,
) -> Result<String, mainstay_keys::Error> {
    let mut plain = Vec::with_capacity(128);
    plain.push(VERSION);
    plain.extend_from_slice(&(now_seconds + LIFETIME_SECONDS).to_be_bytes());
    plain.extend_from_slice(&digest(binding));
    for (path, value) in &position.keys {
        put_bytes(&mut plain, path.to_string().as_bytes());
        put_value(&mut plain, value);
    }
    Ok(URL_SAFE_NO_PAD.encode(key.seal(PURPOSE, &plain)?))
}

/// Opens a token that [`seal`] made with the same binding.
pub fn open(key: &SealingKey, binding: &Binding<'_>, token: &str, now_seconds: i64) -> Result<Position, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Invalid);
    }
    let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Invalid)?;
    let plain = key.open(PURPOSE, &sealed).map_err(|_| TokenError::Invalid)?;
    let mut reader = Reader(&plain);
    let version = reader.take(1).ok_or(TokenError::Invalid)?;
    let expiry = reader.int().ok_or(TokenError::Invalid)?;
    let bound = reader.take(BINDING_BYTES).ok_or(TokenError::Invalid)?;
    if version != [VERSION] || bound != digest(binding) {
        return Err(TokenError::Invalid);
    }
    if expiry < now_seconds {
        return Err(TokenError::Expired);
    }
    let mut keys = Vec::new();
    while !reader.0.is_empty() {
        keys.push(reader.key().ok_or(TokenError::Invalid)?);
    }
    Ok(Position { keys })
}

fn digest(binding: &Binding<'_>) -> [u8; BINDING_BYTES] {
    let mut context = Context::new(&SHA256);
    for part in [binding.resource_type, binding.parent, binding.filter, binding.order_by, binding.principal] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    if binding.show_deleted {
        context.update(b"deleted");
    }
    let mut short = [0; BINDING_BYTES];
    short.copy_from_slice(&context.finish().as_ref()[..BINDING_BYTES]);
    short
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0),
        Value::Bool(v) => out.extend_from_slice(&[1, u8::from(*v)]),
        Value::Int(v) => put_number(out, 2, v.to_be_bytes()),
        Value::Double(v) => put_number(out, 3, v.to_bits().to_be_bytes()),
        Value::Text(v) => {
            out.push(4);
            put_bytes(out, v.as_bytes());
        }
        Value::Bytes(v) => {
            out.push(5);
            put_bytes(out, v);
        }
        Value::Timestamp(v) => put_number(out, 6, v.to_be_bytes()),
        Value::Json(v) => {
            out.push(7);
            put_bytes(out, v.as_bytes());
        }
    }
}

fn put_number(out: &mut Vec<u8>, tag: u8, bytes: [u8; 8]) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn int(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.int()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<String> {
        Some(std::str::from_utf8(self.bytes()?).ok()?.to_owned())
    }

    fn key(&mut self) -> Option<(NumberPath, Value)> {
        let path = self.text()?;
        let numbers = path.split('.').filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
        Some((NumberPath(numbers), self.value()?))
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.take(1)?[0] {
            0 => Value::Null,
            1 => Value::Bool(self.take(1)? == [1]),
            2 => Value::Int(self.int()?),
            3 => Value::Double(f64::from_bits(self.int()?.cast_unsigned())),
            4 => Value::Text(self.text()?),
            5 => Value::Bytes(self.bytes()?.to_owned()),
            6 => Value::Timestamp(self.int()?),
            7 => Value::Json(self.text()?),
            _ => return None,
        })
    }
}
