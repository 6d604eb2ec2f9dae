//! A client that asks: what it shows, and how auth is asked for it.

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::{BASE64, BASE64_NOPAD};
use http::HeaderMap;
use http::header::{AUTHORIZATION, USER_AGENT};
use mainstay_fault::Fault;
use mainstay_layers::Context;
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::{Call, Channel};
use prost::Message;

use crate::backends::AUTH;
use crate::pages::Form;
use crate::route::decode_query;
use crate::serve::Edge;

/// A request of a client, but for its body.
pub struct Asked {
    auth: Arc<dyn Channel>,
    pub headers: HeaderMap,
    context: Context,
}

impl Asked {
    pub fn new(edge: &Edge, headers: HeaderMap, context: Context) -> Asked {
        let auth = edge.backends.of_package(&format!("mainstay.{AUTH}")).channel.clone();
        Asked { auth, headers, context }
    }

    /// Asks a method of the auth service, on nobody's behalf: what the client shows is part of the message.
    pub async fn ask<A: Message + Default>(&self, method: &'static str, request: &impl Message) -> Result<A, Fault> {
        let mut call = Call::of(self.context.clone(), method, Bytes::from(request.encode_to_vec()));
        call.agent = self.headers.get(USER_AGENT).cloned();
        let answer = self.auth.call(call).await?.message()?;
        A::decode(answer).map_err(Fault::internal)
    }

    /// What is shown in `authorization`: the scheme, in lower case, and the rest.
    pub fn shown(&self) -> Option<(String, &str)> {
        let text = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, rest) = text.split_once(' ')?;
        Some((scheme.to_ascii_lowercase(), rest.trim_matches(' ')))
    }

    /// Whether the client shows itself in `authorization`.
    pub fn is_by_header(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION)
    }

    /// Reads who a client says that it is, and what it shows for it: in `authorization` or in the form (RFC 6749, section 2.3.1).
    /// Fails where it shows itself in both, or in a way that is none.
    pub fn proof(&self, form: &Form) -> Result<pb::OAuthClientProof, &'static str> {
        let mut proof = pb::OAuthClientProof {
            client_id: form.text("client_id").to_owned(),
            client_secret: form.text("client_secret").to_owned(),
            client_assertion_type: form.text("client_assertion_type").to_owned(),
            client_assertion: form.text("client_assertion").to_owned(),
        };
        if !self.is_by_header() {
            return Ok(proof);
        }
        if !proof.client_secret.is_empty() || !proof.client_assertion.is_empty() {
            return Err("a client shows who it is in one way");
        }
        let (id, secret) = self.basic().ok_or("authorization is not Basic with an id and a secret")?;
        if !proof.client_id.is_empty() && proof.client_id != id {
            return Err("client_id is not the one of authorization");
        }
        (proof.client_id, proof.client_secret) = (id, secret);
        Ok(proof)
    }

    /// Both halves are encoded as in forms.
    fn basic(&self) -> Option<(String, String)> {
        let (_, encoded) = self.shown().filter(|(scheme, _)| scheme == "basic")?;
        let encoded = encoded.as_bytes();
        let text = String::from_utf8(BASE64.decode(encoded).or_else(|_| BASE64_NOPAD.decode(encoded)).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let part = |text: &str| decode_query(text).ok().map(std::borrow::Cow::into_owned);
        part(id).zip(part(secret))
    }
}
