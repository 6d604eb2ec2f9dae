//! Commit: several writes of a package, done together or not at all.

use prost_reflect::DescriptorPool;
use ring::digest::{SHA256, digest};

use super::{Method, Shape, Verb};

/// What is written in one Commit: all that resources have single writes for. Beside these there are their transitions.
pub(crate) const VERBS: [Verb; 3] = [Verb::Create, Verb::Update, Verb::Delete];

/// The numbers of a Commit's request.
pub mod request {
    pub const WRITES: u32 = 1;
    pub const PRECONDITIONS: u32 = 2;
    pub const REQUEST_ID: u32 = 3;
    pub const VALIDATE_ONLY: u32 = 4;
}

/// The numbers of one of its writes, beside those of the operations.
pub mod write {
    pub const LABEL: u32 = 1;
}

/// The numbers of one of its preconditions.
pub mod precondition {
    pub const NAME: u32 = 1;
    pub const EXISTS: u32 = 2;
    pub const ETAG: u32 = 3;
}

/// The numbers of its answer.
pub mod response {
    pub const RESULTS: u32 = 1;
}

/// What the Commit of a package takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// `shop.v1`
    pub package: String,
    /// `/shop.v1.CommitService/Commit`
    pub path: String,
    /// The operations that a write may be, in the order of their numbers.
    pub operations: Vec<Operation>,
    /// The resources of the package with an operation, each with the number of its record in a result.
    pub records: Vec<(usize, u32)>,
}

/// One operation that a write may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub number: u32,
    /// `create_product`
    pub name: String,
    pub verb: Verb,
    /// Index into `Contract::resources`.
    pub resource: usize,
}

impl Commit {
    /// Its entry in the table of methods.
    pub(crate) fn method(&self, pool: &DescriptorPool, commit: usize) -> Option<Method> {
        let service = pool.get_service_by_name(&format!("{}.CommitService", self.package))?;
        service.methods().next().map(|method| Method::of(&method, Shape::Commit { commit }))
    }

    /// Finds the operation with this number.
    pub fn operation(&self, number: u32) -> Option<&Operation> {
        let found = self.operations.binary_search_by_key(&number, |operation| operation.number).ok()?;
        self.operations.get(found)
    }

    /// The resources of the package, each once.
    pub fn resources(&self) -> impl Iterator<Item = usize> {
        self.records.iter().map(|(resource, _)| *resource)
    }

    /// The number of a resource's record in a result.
    pub fn record(&self, resource: usize) -> Option<u32> {
        self.records.iter().find(|(own, _)| *own == resource).map(|(_, number)| *number)
    }
}

/// The first number that is given to a resource: below lie the fields that every write has.
const FIRST: u32 = 20_000;

/// How many numbers a resource has: for its operations, and for those that it may get one day.
const EACH: u32 = 16;

/// How many of them the verbs have.
const BEHIND_VERBS: u32 = 3;

/// As many resources as there are numbers for (protobuf has them up to 2^29 - 1).
const PLACES: u32 = 33_553_000;

/// The numbers of resources, by their types: they stay the same when others come and go, and when a message is renamed.
/// Of two whose types fall together, which is once in some million pairs, the later one takes the next place.
pub(crate) fn numbers<'t>(types: impl Iterator<Item = &'t str>) -> Vec<u32> {
    let mut taken: Vec<u32> = Vec::new();
    for name in types {
        let hash = digest(&SHA256, name.as_bytes());
        let (first, _) = hash.as_ref().split_at(size_of::<u32>());
        let mut place = first.iter().fold(0, |sum: u32, byte| (sum << 8) | u32::from(*byte)) % PLACES;
        while taken.contains(&place) {
            place = (place + 1) % PLACES;
        }
        taken.push(place);
    }
    taken.into_iter().map(|place| FIRST + place * EACH).collect()
}

/// The numbers of transitions, by their resources' types and their names. Each has a place of its own, of which it takes the
/// number behind those of the verbs: so it meets no resource there.
pub(crate) fn numbers_of_transitions<'t>(names: impl Iterator<Item = &'t str>) -> Vec<u32> {
    numbers(names).into_iter().map(|first| first + BEHIND_VERBS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_fields_and_stay_what_they_are_whoever_comes() {
        let few = numbers(["shop.example.com/Order", "shop.example.com/Product"].into_iter());
        let many = numbers(["shop.example.com/Card", "shop.example.com/Order", "shop.example.com/Product"].into_iter());
        assert_eq!(few, many[1..]);
        for number in many {
            assert!((FIRST..(1 << 29) - EACH).contains(&number), "{number}");
        }
    }

    #[test]
    fn types_that_fall_together_have_places_of_their_own() {
        let both = numbers(["a", "a"].into_iter());
        assert_eq!(both[1], both[0] + EACH);
    }
}
