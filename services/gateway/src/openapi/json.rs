//! JSON whose objects keep the order in which they were written: a reader sees fields as their contract has them.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Bool(bool),
    Number(serde_json::Number),
    Text(Cow<'static, str>),
    List(Vec<Json>),
    Object(Object),
}

/// An object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object(Vec<(Cow<'static, str>, Json)>);

impl Object {
    pub fn new() -> Object {
        Object::default()
    }

    /// The object with one more entry.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Json>) -> Object {
        self.set(key, value);
        self
    }

    /// The object with one more entry, where there is a value for it.
    #[must_use]
    pub fn with_some(self, key: &'static str, value: Option<impl Into<Json>>) -> Object {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Puts an entry in the place of the one of its name, or behind the others.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Json>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Adds the entries of another one whose names it has not.
    pub fn fill(&mut self, other: Object) {
        for (key, value) in other.0 {
            if self.get(&key).is_none() {
                self.set(key, value);
            }
        }
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub fn take(&mut self, key: &str) -> Option<Json> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object at a key, made where there is none. What stood there otherwise is gone.
    pub fn object_at(&mut self, key: &str) -> &mut Object {
        let at = self.0.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            self.0.push((Cow::Owned(key.to_owned()), Json::Object(Object::new())));
            self.0.len() - 1
        });
        let value = &mut self.0[at].1;
        if !matches!(value, Json::Object(_)) {
            *value = Json::Object(Object::new());
        }
        match value {
            Json::Object(object) => object,
            _ => unreachable!("it was made one"),
        }
    }
}

impl<K: Into<Cow<'static, str>>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Object {
        Object(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(value) => value.serialize(serializer),
            Json::Text(value) => serializer.serialize_str(value),
            Json::List(values) => values.serialize(serializer),
            Json::Object(object) => object.serialize(serializer),
        }
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $json:expr;)*) => {$(
        impl From<$from> for Json {
            fn from($value: $from) -> Json {
                $json
            }
        }
    )*};
}

from! {
    bool => |value| Json::Bool(value);
    i64 => |value| Json::Number(value.into());
    u64 => |value| Json::Number(value.into());
    i32 => |value| Json::Number(value.into());
    u16 => |value| Json::Number(value.into());
    &'static str => |value| Json::Text(value.into());
    String => |value| Json::Text(value.into());
    Object => |value| Json::Object(value);
    serde_json::Number => |value| Json::Number(value);
}

impl<J: Into<Json>> From<Vec<J>> for Json {
    fn from(values: Vec<J>) -> Json {
        Json::List(values.into_iter().map(Into::into).collect())
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Json {
        match value {
            // No schema or example of ours has one.
            serde_json::Value::Null => Json::Object(Object::new()),
            serde_json::Value::Bool(value) => Json::Bool(value),
            serde_json::Value::Number(value) => Json::Number(value),
            serde_json::Value::String(value) => value.into(),
            serde_json::Value::Array(values) => values.into(),
            serde_json::Value::Object(entries) => entries.into_iter().collect::<Object>().into(),
        }
    }
}
