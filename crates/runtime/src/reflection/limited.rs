//! What of the files somebody sees who may call some of the methods only: those methods, and the messages that are in them.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use prost::{DecodeError, Message};

use super::files::{File, Files, Named, Says};
use super::places::{DEPENDENCY, ENUM, EXTENSION, Lists, MESSAGE, METHOD, SERVICE};

/// Packages whose files everybody has.
const STANDARD: [&str; 4] = ["google.", "grpc.", "buf.", "mainstay.v1"];

impl Files {
    /// Leaves out the methods that `shows` says no to, told by `/package.Service/Method`, and whatever nothing that is left
    /// speaks of. Comments go with what they are about.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn limited(&self, shows: &dyn Fn(&str) -> bool) -> Result<Files, DecodeError> {
        let mut parts = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let whole = is_standard(&file.says.package);
            parts.push((file, if whole { None } else { Some(Parts::decode(file.encoded.clone())?) }));
        }
        let mut shown = Shown::default();
        for (file, parts) in &parts {
            if let Some(parts) = parts {
                shown.enter(&file.says.package, parts, shows)?;
            }
        }
        shown.follow();
        let mut left = Vec::with_capacity(parts.len());
        for (file, parts) in parts {
            match parts {
                None => left.push(file.clone()),
                Some(parts) => left.extend(shown.pruned(&file.says.package, parts, shows)?),
            }
        }
        drop_imports(&mut left)
    }
}

fn is_standard(package: &str) -> bool {
    STANDARD.iter().any(|standard| package == standard.trim_end_matches('.') || package.starts_with(standard))
}

/// What is reached from the methods that are shown.
#[derive(Default)]
struct Shown {
    /// For each message or enum at the top of a file, by full name, the types that it speaks of.
    speaks_of: HashMap<String, Vec<String>>,
    reached: HashSet<String>,
    pending: Vec<String>,
}

impl Shown {
    fn enter(&mut self, package: &str, parts: &Parts, shows: &dyn Fn(&str) -> bool) -> Result<(), DecodeError> {
        for message in &parts.message {
            let message = Types::decode(message.clone())?;
            let mut types = Vec::new();
            message.collect(&mut types);
            self.speaks_of.insert(within(package, &message.name), types);
        }
        for item in &parts.enumeration {
            self.speaks_of.insert(within(package, &Named::decode(item.clone())?.name), Vec::new());
        }
        for service in &parts.service {
            let service = Service::decode(service.clone())?;
            for method in &service.method {
                let Ends { name, input, output } = Ends::decode(method.clone())?;
                if shows(&path(package, &service.name, &name)) {
                    self.pending.extend([input, output].map(|name| name.trim_start_matches('.').to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Goes from each type to those that it speaks of.
    fn follow(&mut self) {
        while let Some(name) = self.pending.pop() {
            let Some(top) = self.top(&name).map(str::to_owned) else { continue };
            if self.reached.insert(top.clone()) {
                self.pending.extend(self.speaks_of[&top].iter().cloned());
            }
        }
    }

    /// The type at the top of a file that a type is, or lies in.
    fn top<'n>(&self, name: &'n str) -> Option<&'n str> {
        let mut outer = name;
        loop {
            if self.speaks_of.contains_key(outer) {
                return Some(outer);
            }
            outer = outer.rsplit_once('.')?.0;
        }
    }

    /// What is left of a file; nothing where nothing is.
    fn pruned(&self, package: &str, parts: Parts, shows: &dyn Fn(&str) -> bool) -> Result<Option<File>, DecodeError> {
        let is_left = |bytes: &Bytes| {
            let name = Named::decode(bytes.clone()).map(|named| within(package, &named.name));
            name.is_ok_and(|name| self.reached.contains(&name))
        };
        let speaks = |bytes: &Bytes| {
            let name = Extension::decode(bytes.clone()).map(|extension| extension.type_name);
            name.is_ok_and(|name| {
                name.is_empty() || self.top(name.trim_start_matches('.')).is_none_or(|top| self.reached.contains(top))
            })
        };
        let (mut left, mut lists) = (Parts { service: Vec::new(), ..parts.clone() }, Lists::default());
        lists.add(vec![MESSAGE], thinned(&mut left.message, is_left));
        lists.add(vec![ENUM], thinned(&mut left.enumeration, is_left));
        lists.add(vec![EXTENSION], thinned(&mut left.extension, speaks));
        let mut kept = Vec::with_capacity(parts.service.len());
        for (position, bytes) in (0..).zip(parts.service) {
            let mut service = Service::decode(bytes)?;
            let is_shown = |method: &Bytes| {
                Ends::decode(method.clone()).is_ok_and(|ends| shows(&path(package, &service.name, &ends.name)))
            };
            let methods = thinned(&mut service.method, is_shown);
            lists.add(vec![SERVICE, position, METHOD], methods);
            kept.push(!service.method.is_empty());
            if !service.method.is_empty() {
                left.service.push(service.encode_to_vec().into());
            }
        }
        lists.add(vec![SERVICE], kept);
        left.move_comments(&lists)?;
        let nothing = left.message.is_empty()
            && left.enumeration.is_empty()
            && left.extension.is_empty()
            && left.service.is_empty();
        if nothing { Ok(None) } else { left.file().map(Some) }
    }
}

/// Takes out the imports of files that are not there any more.
fn drop_imports(files: &mut [File]) -> Result<Files, DecodeError> {
    let names: HashSet<String> = files.iter().map(|file| file.says.name.clone()).collect();
    let mut left = Files::default();
    for file in files {
        if file.says.dependency.iter().any(|import| !names.contains(import)) {
            let mut parts = Parts::decode(file.encoded.clone())?;
            let kept: Vec<bool> = parts.dependency.iter().map(|import| names.contains(import)).collect();
            // Other lists name the imports by position.
            let place = |index: &i32| {
                let index = usize::try_from(*index).ok().filter(|index| kept.get(*index) == Some(&true))?;
                i32::try_from(kept[..index].iter().filter(|kept| **kept).count()).ok()
            };
            parts.public = parts.public.iter().filter_map(place).collect();
            parts.weak = parts.weak.iter().filter_map(place).collect();
            parts.dependency.retain(|import| names.contains(import));
            let mut lists = Lists::default();
            lists.add(vec![DEPENDENCY], kept);
            parts.move_comments(&lists)?;
            *file = parts.file()?;
        }
        left.put(file.clone());
    }
    Ok(left)
}

fn within(package: &str, name: &str) -> String {
    if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") }
}

fn path(package: &str, service: &str, method: &str) -> String {
    format!("/{}/{method}", within(package, service))
}

/// A `FileDescriptorProto` whose elements are not taken apart, so that what is left of it stays as it is.
#[derive(Clone, PartialEq, Message)]
struct Parts {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    package: Option<String>,
    #[prost(string, repeated, tag = "3")]
    dependency: Vec<String>,
    #[prost(int32, repeated, packed = "false", tag = "10")]
    public: Vec<i32>,
    #[prost(int32, repeated, packed = "false", tag = "11")]
    weak: Vec<i32>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    message: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    enumeration: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    service: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    extension: Vec<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "8")]
    options: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "9")]
    source_code_info: Option<Bytes>,
    #[prost(string, optional, tag = "12")]
    syntax: Option<String>,
    #[prost(int32, optional, tag = "14")]
    edition: Option<i32>,
}

/// Takes out what does not stay. Says of each whether it did.
fn thinned(list: &mut Vec<Bytes>, stays: impl Fn(&Bytes) -> bool) -> Vec<bool> {
    let kept: Vec<bool> = list.iter().map(stays).collect();
    let mut stays = kept.iter().copied();
    list.retain(|_| stays.next().unwrap_or_default());
    kept
}

impl Parts {
    /// Moves comments to where what they are about is now.
    fn move_comments(&mut self, lists: &Lists) -> Result<(), DecodeError> {
        if let Some(places) = self.source_code_info.take() {
            self.source_code_info = Some(if lists.are_whole() { places } else { lists.moved(places)? });
        }
        Ok(())
    }

    fn file(&self) -> Result<File, DecodeError> {
        let encoded = Bytes::from(self.encode_to_vec());
        Ok(File { says: Says::decode(encoded.clone())?, encoded })
    }
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    method: Vec<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    options: Option<Bytes>,
}

/// A method's name, and what it takes and answers.
#[derive(Clone, PartialEq, Message)]
struct Ends {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    input: String,
    #[prost(string, tag = "3")]
    output: String,
}

#[derive(Clone, PartialEq, Message)]
struct Extension {
    #[prost(string, tag = "6")]
    type_name: String,
}

/// A message, and the types of its fields.
#[derive(Clone, PartialEq, Message)]
struct Types {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    field: Vec<Extension>,
    #[prost(message, repeated, tag = "3")]
    nested: Vec<Types>,
}

impl Types {
    fn collect(&self, types: &mut Vec<String>) {
        let named = self.field.iter().filter(|field| !field.type_name.is_empty());
        types.extend(named.map(|field| field.type_name.trim_start_matches('.').to_owned()));
        self.nested.iter().for_each(|nested| nested.collect(types));
    }
}
