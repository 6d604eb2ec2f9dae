//! Settings that are several texts.

use serde::Deserializer;
use serde::de::{Error, SeqAccess, Visitor};
use std::fmt;

/// Reads a list, or one text with commas, which is what a variable can hold. Texts come without the spaces around them.
pub(crate) fn several<'de, D: Deserializer<'de>>(
    deserializer: D,
    of_what: &'static str,
) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Texts(of_what))
}

struct Texts(&'static str);

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of {}", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
        let mut texts: Vec<String> = Vec::new();
        while let Some(text) = seq.next_element::<String>()? {
            texts.push(text.trim().to_owned());
        }
        Ok(texts)
    }
}
