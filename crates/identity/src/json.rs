use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Accepts any JSON value in which no object names the same member twice.
///
/// RFC 7519 §4 lets a reader take the last of two claims with one name. Two readers that choose differently then see two
/// different callers in one token, so here both are refused.
pub(crate) struct NamesAreUnique;

impl<'de> Deserialize<'de> for NamesAreUnique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = NamesAreUnique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value without repeated names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<NamesAreUnique>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(NamesAreUnique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<NamesAreUnique>()?.is_some() {}
        Ok(NamesAreUnique)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(NamesAreUnique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(NamesAreUnique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(NamesAreUnique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(NamesAreUnique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(NamesAreUnique)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(NamesAreUnique)
    }
}

/// Reads one JSON object in which no name occurs twice, at any depth.
pub(crate) fn read_strictly<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice::<NamesAreUnique>(bytes)?;
    serde_json::from_slice(bytes)
}

/// Stands for a member that must not be there.
#[derive(Debug)]
pub(crate) struct Refused;

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Err(D::Error::custom("not accepted"))
    }
}
