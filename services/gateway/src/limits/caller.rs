//! Whose calls are counted together.

use std::borrow::Cow;
use std::net::IpAddr;

use mainstay_identity::{Kind, Principal};
use mainstay_runtime::server::peer as network;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose calls a policy counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Those from one address, whoever calls; of IPv6 from one /64 network. What an upstream asks for its caller is not counted.
    Address,
    /// Those of one account, a service's too. Who is not signed in has none.
    Account,
    /// Those of all who act in one organisation. Who acts in none is not counted.
    Organisation,
    /// Those with one API key or service key, or of one session. Who shows nothing is not counted.
    Credential,
    /// Those of one method, whoever calls.
    Method,
}

impl By {
    pub fn word(self) -> &'static str {
        match self {
            By::Address => "address",
            By::Account => "account",
            By::Organisation => "organisation",
            By::Credential => "credential",
            By::Method => "method",
        }
    }

    /// Finds under whose name a call is counted; nothing where it is not. No name is a secret.
    pub fn of<'c>(self, principal: &'c Principal, peer: Option<IpAddr>, method: &'c str) -> Option<Cow<'c, str>> {
        match self {
            // Work of the process's own comes from nowhere, and what an upstream asks for somebody from where that is.
            By::Address if principal.upstream().is_some() => None,
            By::Address => peer.map(|address| network(address).to_string().into()),
            By::Account => principal.uid().map(Cow::Borrowed),
            By::Organisation => principal.organisation().map(Cow::Borrowed),
            By::Credential => {
                let own = || principal.uid().filter(|_| principal.kind() == Kind::Service);
                principal.session_id().or_else(own).map(Cow::Borrowed)
            }
            By::Method => Some(Cow::Borrowed(method)),
        }
    }
}
