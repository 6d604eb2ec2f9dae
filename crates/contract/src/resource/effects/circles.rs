//! Effects that could come back to where they began.

use std::collections::{BTreeMap, BTreeSet};

use crate::Resource;
use crate::effect::{Effect, Trigger};
use crate::file::Spot;
use crate::report::Report;

/// Something that happens to rows of a resource.
type Happening = (usize, Trigger);

/// Refuses effects that set themselves off again, each circle once: where it is closed.
pub(super) fn refuse(report: &mut Report<'_>, resources: &[Resource], effects: &[Vec<(Effect, Spot)>]) {
    let mut leads: BTreeMap<Happening, Vec<(Happening, &Spot)>> = BTreeMap::new();
    for (resource, (effect, spot)) in
        effects.iter().enumerate().flat_map(|(at, own)| own.iter().map(move |own| (at, own)))
    {
        for trigger in &effect.on {
            let next = effect.what.causes().into_iter().map(|next| (next, spot));
            leads.entry((resource, *trigger)).or_default().extend(next);
        }
    }
    let mut done = BTreeSet::new();
    for start in leads.keys() {
        follow(report, resources, &leads, &mut vec![*start], &mut done);
    }
}

fn follow(
    report: &mut Report<'_>,
    resources: &[Resource],
    leads: &BTreeMap<Happening, Vec<(Happening, &Spot)>>,
    way: &mut Vec<Happening>,
    done: &mut BTreeSet<Happening>,
) {
    let Some(at) = way.last().copied().filter(|at| !done.contains(at)) else { return };
    for (next, spot) in leads.get(&at).into_iter().flatten() {
        if let Some(begin) = way.iter().position(|known| known == next) {
            let names: Vec<String> = way[begin..].iter().chain([next]).map(|at| name(resources, *at)).collect();
            report
                .error(spot, "effects come back to where they began")
                .because(format!("each sets the next one off: {}", names.join(", then ")))
                .help("leave one of them out, or let it be of a transition that the others do not make");
            continue;
        }
        way.push(*next);
        follow(report, resources, leads, way, done);
        way.pop();
    }
    done.insert(at);
}

fn name(resources: &[Resource], (resource, trigger): Happening) -> String {
    let resource = &resources[resource];
    let message = resource.message.rsplit('.').next().unwrap_or(&resource.message);
    let what = match trigger {
        Trigger::Create => "create",
        Trigger::Update => "update",
        Trigger::Delete => "delete",
        Trigger::Undelete => "undelete",
        Trigger::Transition(which) => {
            resource.transitions.get(usize::from(which)).map_or("a transition", |transition| transition.name.as_str())
        }
    };
    format!("{what} of {message}")
}
