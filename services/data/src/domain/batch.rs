//! What the batches that write have in common (AIP-233 to 235).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Role, Verb};
use mainstay_db::Atomic;
use mainstay_record::Violation;
use mainstay_wire::WireError;

use super::answer::Form;
use super::checks::WriteOp;
use super::content::Content;
use super::context::Operation;
use super::place::Holds;
use super::request::{Defect, Identity, Message, Request, Terms, is_remembered};
use crate::plans::ResourcePlan;

/// The most elements of a batch (AIP-231).
pub const MAX_BATCH: usize = 1_000;

/// A kind of batch.
pub struct Batch {
    pub verb: Verb,
    /// The repeated field, by its role.
    pub list: Role,
    pub holds: Holds,
    pub form: Form,
    /// Reads an element; the batch's parent is for those that say nothing of it.
    pub element: fn(Operation, &Bytes, &Parent<'_>) -> Element,
}

/// One write of a batch, and what is wrong with it as a part of one.
pub struct Element {
    pub write: Arc<dyn WriteOp>,
    pub problems: Vec<Violation>,
}

impl Batch {
    /// Reads a batch. One that cannot be is read as one empty element, so that the rules are asked before it is refused.
    pub fn read(&self, op: Operation, message: Bytes) -> Request {
        let whole = message.clone();
        let message = self.verb.read(message);
        let inner = Operation { read_mask: None, remembered: is_remembered(&message), ..op.clone() };
        let read = message.as_ref().map_err(|error| Defect::Malformed(error.clone()));
        let read = read.and_then(|message| self.elements(&inner, message));
        let terms = Terms::read(&message);
        let (writes, defect) = match read {
            Ok(writes) => (writes, None),
            Err(defect) => {
                let nothing = (self.element)(inner.clone(), &Bytes::new(), &Parent::of(inner.plan(), ""));
                (vec![nothing.write], Some(defect))
            }
        };
        Request {
            op,
            identity: Identity::Verb(self.verb.word()),
            message: whole,
            beside: Content::default(),
            writes,
            holds: self.holds.clone(),
            defect,
            terms,
            form: self.form,
            atomic: Atomic::Locked,
        }
    }

    fn elements(&self, op: &Operation, message: &Message) -> Result<Vec<Arc<dyn WriteOp>>, Defect> {
        let elements = message.each(self.list).map_err(Defect::Malformed)?;
        let list = self.holds.list();
        check_count(list, elements.len()).map_err(|violation| Defect::Violations(vec![violation]))?;
        let parent = message.text(Role::Parent).map_err(Defect::Malformed)?;
        let parent = Parent::of(op.plan(), parent);
        let mut problems: Vec<Violation> = parent.problem().into_iter().collect();
        let mut writes = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let element = (self.element)(op.clone(), &message.message().slice_ref(element), &parent);
            let placed = |problem: Violation| match self.holds.place(index) {
                Some(place) => Violation { field: place.field(&problem.field), ..problem },
                None => problem,
            };
            problems.extend(element.problems.into_iter().map(placed));
            writes.push(element.write);
        }
        problems.extend(check_weight(list, &writes).err());
        if problems.is_empty() { Ok(writes) } else { Err(Defect::Violations(problems)) }
    }
}

/// Checks how many elements a batch has.
pub fn check_count(list: &str, count: usize) -> Result<(), Violation> {
    let description = match count {
        0 => "is empty: a batch has at least one element".to_owned(),
        1..=MAX_BATCH => return Ok(()),
        _ => format!("has {count} elements: a batch has at most {MAX_BATCH}"),
    };
    Err(Violation { field: list.to_owned(), description })
}

/// The most that the writes of a request count for: each write, and each field that it computes.
pub const MAX_WEIGHT: usize = 10 * MAX_BATCH;

/// Checks that writes do not ask for too much together.
pub fn check_weight(list: &str, writes: &[Arc<dyn WriteOp>]) -> Result<(), Violation> {
    let weight: usize = writes.iter().map(|write| write.weight()).sum();
    if weight <= MAX_WEIGHT {
        return Ok(());
    }
    let description = format!("asks for {weight} writes and transforms: at most {MAX_WEIGHT} are taken together");
    Err(Violation { field: list.to_owned(), description })
}

/// What an element says that only the batch may say.
pub fn shared_terms(message: &Result<Message, WireError>) -> Vec<Violation> {
    let Ok(message) = message else { return Vec::new() };
    let is_set = |role: &Role| message.has(*role);
    let name = |role| if role == Role::RequestId { "request_id" } else { "validate_only" };
    let set = [Role::RequestId, Role::ValidateOnly].into_iter().filter(is_set);
    set.map(|role| Violation {
        field: name(role).to_owned(),
        description: "is for the batch as a whole; leave it out here".to_owned(),
    })
    .collect()
}

/// What all elements of a batch lie below; `-` stands for any (AIP-159), and nothing for whatever they say themselves.
pub struct Parent<'n> {
    name: &'n str,
    pattern: &'n str,
    parts: Option<Vec<&'n str>>,
}

impl<'n> Parent<'n> {
    /// The parent of this name.
    pub fn of(plan: &'n ResourcePlan, name: &'n str) -> Parent<'n> {
        let parts = if name.is_empty() { Some(Vec::new()) } else { plan.parse_parent(name) };
        Parent { name, pattern: plan.parent_pattern(), parts }
    }

    /// What is wrong with its name.
    pub fn problem(&self) -> Option<Violation> {
        let description = match self.pattern {
            "" => "must be left out: these lie below nothing".to_owned(),
            pattern => format!("must have the form `{pattern}`"),
        };
        self.parts.is_none().then(|| Violation { field: "parent".to_owned(), description })
    }

    /// The parent of an element that names none, where the batch's is one.
    pub fn whole(&self) -> Option<&'n str> {
        self.parts.as_ref().filter(|parts| !parts.is_empty() && !parts.contains(&"-")).map(|_| self.name)
    }

    /// What is wrong with an element that lies below these parts, in its field.
    pub fn mismatch<'p>(&self, field: &str, mut parts: impl Iterator<Item = &'p str>) -> Option<Violation> {
        let mine = self.parts.as_deref().unwrap_or_default();
        let fits = mine.iter().all(|part| parts.next().is_some_and(|other| *part == "-" || *part == other));
        (!fits).then(|| Violation {
            field: field.to_owned(),
            description: format!("does not lie below `{}`, as all of the batch have to", self.name),
        })
    }

    /// The same for an element that is known by its name. One whose name cannot be is told later.
    pub fn mismatch_of_name(&self, plan: &ResourcePlan, field: &str, name: &str) -> Option<Violation> {
        let parts = plan.resource.template.parse(name)?;
        self.mismatch(field, parts.into_iter())
    }
}
