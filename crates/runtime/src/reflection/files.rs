//! Files as they are encoded, and what they declare.
//!
//! Reflection answers with whole files, so it keeps them as they came. Linked descriptors would take ten times their memory,
//! for nothing but the names.

use std::collections::HashSet;

use bytes::Bytes;
use prost::{DecodeError, Message};

/// The files of one port, each under its own name.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub(super) files: Vec<File>,
    names: HashSet<String>,
}

/// An encoded `google.protobuf.FileDescriptorProto`.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub encoded: Bytes,
    pub says: Says,
}

impl Files {
    /// Adds the files of an encoded `google.protobuf.FileDescriptorSet`, those excepted whose name is there already: they are
    /// told how many were added.
    ///
    /// # Errors
    /// The bytes are no such set. Nothing is added then.
    pub fn add(&mut self, set: Bytes) -> Result<usize, DecodeError> {
        let read = |encoded: Bytes| Says::decode(encoded.clone()).map(|says| File { encoded, says });
        let read: Result<Vec<File>, DecodeError> = Set::decode(set)?.file.into_iter().map(read).collect();
        let before = self.files.len();
        read?.into_iter().for_each(|file| self.put(file));
        Ok(self.files.len() - before)
    }

    /// The files of encoded `google.protobuf.FileDescriptorProto`s.
    ///
    /// # Errors
    /// One of them is none.
    pub fn of(files: impl IntoIterator<Item = Bytes>) -> Result<Files, DecodeError> {
        let mut all = Files::default();
        for encoded in files {
            all.put(File { says: Says::decode(encoded.clone())?, encoded });
        }
        Ok(all)
    }

    /// The files as they are encoded, those that are imported before those that import them where they were added so.
    pub fn encoded(&self) -> impl Iterator<Item = &Bytes> {
        self.files.iter().map(|file| &file.encoded)
    }

    /// The files as one encoded `google.protobuf.FileDescriptorSet`.
    pub fn to_set(&self) -> Vec<u8> {
        Set { file: self.encoded().cloned().collect() }.encode_to_vec()
    }

    /// Each file's name, and what it imports.
    pub fn imports(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.files.iter().map(|file| (file.says.name.as_str(), file.says.dependency.as_slice()))
    }

    /// The files of which `wanted` says so, by name.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Files {
        let mut left = Files::default();
        self.files.iter().filter(|file| wanted(&file.says.name)).for_each(|file| left.put(file.clone()));
        left
    }

    /// Adds a file, unless there is one of its name.
    pub(super) fn put(&mut self, file: File) {
        if self.names.insert(file.says.name.clone()) {
            self.files.push(file);
        }
    }

    /// Says whether one of the files declares a service.
    pub(super) fn declares_service(&self, name: &str) -> bool {
        let declares = |file: &File| {
            let within = name.strip_prefix(file.says.package.as_str()).and_then(|rest| rest.strip_prefix('.'));
            file.says.service.iter().any(|service| Some(service.name.as_str()) == within)
        };
        self.files.iter().any(declares)
    }
}

#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// What of a file's descriptor is asked for by name; the rest is passed over.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Says {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub package: String,
    #[prost(string, repeated, tag = "3")]
    pub dependency: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    pub message: Vec<SaysMessage>,
    #[prost(message, repeated, tag = "5")]
    pub enumeration: Vec<SaysEnum>,
    #[prost(message, repeated, tag = "6")]
    pub service: Vec<SaysService>,
    #[prost(message, repeated, tag = "7")]
    pub extension: Vec<SaysExtension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SaysMessage {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    pub message: Vec<SaysMessage>,
    #[prost(message, repeated, tag = "4")]
    pub enumeration: Vec<SaysEnum>,
    #[prost(message, repeated, tag = "6")]
    pub extension: Vec<SaysExtension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SaysEnum {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub value: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SaysService {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub method: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SaysExtension {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub extendee: String,
    #[prost(int32, tag = "3")]
    pub number: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(string, tag = "1")]
    pub name: String,
}
