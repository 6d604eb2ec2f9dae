//! Exchanges the keys that service accounts show for tokens, with auth.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_fault::Fault;
use mainstay_identity::{ExchangeFuture, KeyExchange, Principal, roles};
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::channel::{Call, Channel};
use prost::Message as _;

use crate::watch::SERVICE_ACCOUNT;

const EXCHANGE: &str = "/mainstay.auth.v1.ServiceAccountService/ExchangeKey";

/// The auth service, as it is asked by who lets in callers that show keys. It limits wrong ones by the address that they come from.
pub struct Keys(pub Arc<dyn Channel>);

impl KeyExchange for Keys {
    fn exchange(&self, key: &str, peer: Option<IpAddr>) -> ExchangeFuture {
        let request = pb::ExchangeKeyRequest { key: key.to_owned() }.encode_to_vec();
        // The gateway asks on its own behalf: who shows the key is what it asks.
        let own = Principal::service(SERVICE_ACCOUNT, vec![roles::SERVICE.to_owned()]);
        let mut call = Call::new(EXCHANGE, own, Bytes::from(request));
        call.peer = peer;
        let answer = self.0.call(call);
        Box::pin(async move {
            let message = answer.await?.message()?;
            let answer = pb::ExchangeKeyResponse::decode(message).map_err(Fault::internal)?;
            Ok(answer.access_token)
        })
    }
}
