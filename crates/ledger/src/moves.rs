//! What message and enum types are called now: a diff compares what a type was with what it is called today.

use std::collections::BTreeMap;

use mainstay_contract::Contract;
use prost_reflect::DescriptorPool;

/// The new names of types, as far as the resources tell: a resource is known by its type, so where its message went is no
/// guess, and what is inside the message went with it.
pub(crate) struct Moves<'a> {
    pool: &'a DescriptorPool,
    messages: BTreeMap<String, String>,
    packages: BTreeMap<String, Option<String>>,
}

impl<'a> Moves<'a> {
    /// `was`: what the message of each resource was called, by the resource's type.
    pub fn new<'n>(was: impl Fn(&str) -> Option<&'n str>, contract: &'a Contract) -> Moves<'a> {
        let mut moves = Moves { pool: &contract.pool, messages: BTreeMap::new(), packages: BTreeMap::new() };
        for resource in &contract.resources {
            let Some(was) = was(&resource.type_name) else { continue };
            moves.messages.insert(was.to_owned(), resource.message.clone());
            let package = package(was).to_owned();
            let known = moves.packages.entry(package).or_insert_with(|| Some(resource.package.clone()));
            // A package whose resources parted has no one new name.
            if known.as_ref() != Some(&resource.package) {
                *known = None;
            }
        }
        moves
    }

    /// What a type is called now, if what it lies in was renamed and it was not.
    pub fn name_now(&self, was: &str) -> String {
        let mut outer = was;
        loop {
            if let Some(now) = self.messages.get(outer) {
                return format!("{now}{}", &was[outer.len()..]);
            }
            match outer.rsplit_once('.') {
                Some((further, _)) => outer = further,
                None => break,
            }
        }
        let old = self.packages.iter().filter(|(old, _)| is_below(was, old)).max_by_key(|(old, _)| old.len());
        match old {
            Some((old, Some(now))) => format!("{now}{}", &was[old.len()..]),
            _ => was.to_owned(),
        }
    }

    /// Says whether the contract has a message or enum of this name.
    pub fn exists(&self, name: &str) -> bool {
        self.pool.get_message_by_name(name).is_some() || self.pool.get_enum_by_name(name).is_some()
    }
}

fn package(message: &str) -> &str {
    message.rsplit_once('.').map_or("", |(package, _)| package)
}

fn is_below(name: &str, outer: &str) -> bool {
    name.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}
