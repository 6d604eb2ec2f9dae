//! Which writes must be as if no other ran beside them: what decides them is rows that nobody can hold.

use std::collections::BTreeSet;

use mainstay_contract::{OnDelete, Slot, What};

use super::dependents::By;
use super::guard::Guard;
use super::leads::reached;
use super::resource::ResourcePlan;

/// Tells each resource whether its writes are of that kind whoever makes them, the system too, for themselves or for what
/// they bring with them: a reference decides that never comes back, or the guard of a transition that quantifies over rows.
pub(super) fn connect(resources: &mut [ResourcePlan]) {
    let moves: Vec<bool> = resources.iter().map(|plan| moves(resources, plan)).collect();
    let next: Vec<BTreeSet<usize>> = resources.iter().map(brings).collect();
    for (resource, plan) in resources.iter_mut().enumerate() {
        let brought = || reached(&next, &BTreeSet::from([resource])).into_iter().any(|reached| moves[reached]);
        plan.is_always_serial = decides(plan) || brought();
    }
}

/// Whether the resource's own writes are decided like that.
fn decides(plan: &ResourcePlan) -> bool {
    !plan.chains.is_empty() || plan.transitions.iter().filter_map(|own| own.guard.as_ref()).any(asks)
}

/// Whether one of its effects is: it sets a reference that never comes back, or asks such a guard.
fn moves(resources: &[ResourcePlan], plan: &ResourcePlan) -> bool {
    let is_chain = |resource: usize, slot: &Slot| match slot {
        Slot::Reference { columns, .. } => {
            resources[resource].chains.iter().any(|chain| chain.columns.ends_with(columns))
        }
        Slot::Column { .. } | Slot::Element { .. } => false,
    };
    plan.effects.whats().any(|what| match what {
        What::Set { goal, .. } => is_chain(goal.aim.resource, &goal.slot),
        What::Put(put) => put.set.iter().any(|(_, slot, _)| is_chain(put.resource, slot)),
        What::Move { to, transition } => {
            let own = resources[to.resource].transitions.get(usize::from(*transition));
            own.and_then(|own| own.guard.as_ref()).is_some_and(asks)
        }
        What::Adjust { .. } => false,
    })
}

fn asks(guard: &Guard) -> bool {
    !guard.asks().is_empty()
}

/// The resources whose rows change with one of this one: by its effects, or because it is deleted.
fn brings(plan: &ResourcePlan) -> BTreeSet<usize> {
    // What lies below a row goes with it where the caller says so.
    let goes = |on_delete: OnDelete, by: By| on_delete != OnDelete::Restrict || matches!(by, By::Parent { .. });
    let along = plan.dependents.iter().filter(|dependent| goes(dependent.on_delete, dependent.by));
    plan.effects.changed().chain(along.map(|dependent| dependent.resource)).collect()
}
