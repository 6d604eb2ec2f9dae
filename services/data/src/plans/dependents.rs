//! Which rows keep a row from being deleted, or from going when it was.

use std::sync::{Arc, OnceLock};

use super::compiled::Compiled;
use super::resource::ResourcePlan;
use super::snapshot::Snapshot;

/// Rows that live under a row, or that refer to it where no foreign key says so because the row stays.
#[derive(Debug)]
pub struct Dependent {
    /// Whose rows they are.
    pub resource: usize,
    by: By,
    statement: OnceLock<Arc<Compiled>>,
}

#[derive(Debug, Clone, Copy)]
enum By {
    Parent {
        /// Without those that are deleted.
        live: bool,
    },
    /// Which of the resource's references, and whether it leads to the resource itself.
    Reference { position: usize, to_itself: bool },
}

impl Dependent {
    fn new(resource: usize, by: By) -> Dependent {
        Dependent { resource, by, statement: OnceLock::new() }
    }

    /// Finds one of them. Params: the key, then how many rows to find.
    pub fn statement(&self, snapshot: &Snapshot) -> &Arc<Compiled> {
        self.statement.get_or_init(|| {
            let plan = snapshot.resource(self.resource);
            match self.by {
                By::Parent { live } => plan.under_parent(live),
                By::Reference { position, to_itself } => plan.referring(&plan.resource.references[position], to_itself),
            }
        })
    }
}

/// Tells each resource which others keep its rows.
pub(super) fn connect(resources: &mut [ResourcePlan]) {
    for other in 0..resources.len() {
        let plan = Arc::clone(&resources[other].resource);
        let keeps = |resource: usize| resources[resource].resource.soft_delete.is_some();
        let references = plan.references.iter().enumerate().filter(|(_, reference)| keeps(reference.resource));
        let referring: Vec<(usize, By)> = references
            .map(|(position, reference)| {
                (reference.resource, By::Reference { position, to_itself: reference.resource == other })
            })
            .collect();
        if let Some(parent) = plan.parent {
            let live = keeps(parent);
            resources[parent].dependents.push(Dependent::new(other, By::Parent { live }));
            if live {
                resources[parent].remains.push(Dependent::new(other, By::Parent { live: false }));
            }
        }
        for (resource, by) in referring {
            resources[resource].dependents.push(Dependent::new(other, by));
        }
    }
}
