//! Networks that an operator names.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Networks: a list in a file, and in a variable of the environment a text with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// Says that a text is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

impl Networks {
    /// Reads addresses and networks. Fails on the first text that is neither.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Networks, NotANetwork> {
        let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
        texts.map(network).collect::<Result<_, _>>().map(Networks)
    }

    /// Whether an address is in one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.map(|network| network.trunc()).map_err(|_| NotANetwork(text.to_owned()))
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Networks, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Networks;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of networks, or a text of them with commas between")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Networks, E> {
        Networks::new(text.split(',')).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Networks, A::Error> {
        let mut texts = Vec::<String>::new();
        while let Some(text) = items.next_element()? {
            texts.push(text);
        }
        Networks::new(texts.iter().map(String::as_str)).map_err(A::Error::custom)
    }
}
