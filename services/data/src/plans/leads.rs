//! What the effects of resources come to in the end.

use std::collections::BTreeSet;

use super::resource::ResourcePlan;

/// Tells each resource what its effects lead to.
pub(super) fn connect(resources: &mut [ResourcePlan]) {
    let next: Vec<BTreeSet<usize>> = resources.iter().map(|plan| plan.effects.changed().collect()).collect();
    for (plan, own) in resources.iter_mut().zip(&next) {
        plan.effects.lead_to(reached(&next, own));
    }
}

/// Resources, and all that is next to them one after the other.
pub(super) fn reached(next: &[BTreeSet<usize>], from: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut seen = from.clone();
    let mut pending: Vec<usize> = from.iter().copied().collect();
    while let Some(at) = pending.pop() {
        pending.extend(next[at].iter().copied().filter(|next| seen.insert(*next)));
    }
    seen
}
