//! Every pattern of several variables lies below another resource.

use mainstay_expr::{Child, Field, Referred, Storage, Type, nearest};
use mainstay_record::names::json_name;
use prost_reflect::DescriptorPool;

use crate::annotations::RESOURCE;
use crate::report::Report;
use crate::resource::head::Head;
use crate::text::Step;

/// Refuses patterns whose parent is the pattern of no resource of their package: a row would lie below what nobody can
/// create, read or delete.
pub(super) fn check(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head]) {
    if report.files.all.iter().any(|file| pool.get_file_by_name(&file.name).is_none()) {
        // The parent may stand in a file that has problems of its own.
        return;
    }
    for head in heads {
        let (Some(parent), Some(shape)) = (&head.pattern.parent, head.pattern.parent_shape()) else { continue };
        let is_parent = |other: &&Head| other.pattern.shape == shape;
        if heads.iter().filter(is_parent).any(|other| other.package() == head.package()) {
            continue;
        }
        let elsewhere = heads.iter().find(is_parent);
        let cause = match elsewhere {
            Some(other) => format!("{parent} is a resource of another package, {}", other.package()),
            None => "each part of a pattern before the last is the pattern of a resource (AIP-122)".to_owned(),
        };
        let help = match elsewhere {
            Some(_) => format!("move {} into the same package", head.short_name()),
            None => remedy(head, parent, heads),
        };
        let spot = head.option(report, RESOURCE, &[Step::Item("pattern", 0)]);
        let spot = report.files.within(&spot, 0..parent.len());
        report.tightened(&spot, format!("no resource has the pattern {parent}")).because(cause).help(help);
    }
}

/// The resources above one, as references by the names of its pattern's variables: each has the beginning of its key.
pub(super) fn ancestors(heads: &[Head], head: &Head) -> Vec<Field> {
    let shape = &head.pattern.shape;
    let own = if head.pattern.singleton { 0 } else { 1 };
    let above = head.pattern.variables.iter().enumerate().rev().skip(own).rev();
    let ancestor = |(position, variable): (usize, &String)| {
        // A collection and a variable for each.
        let shape = shape.split('/').take(2 * (position + 1)).collect::<Vec<_>>().join("/");
        let is_ancestor = |other: &Head| other.package() == head.package() && other.pattern.shape == shape;
        let target = heads.iter().position(is_ancestor)?;
        let template = heads[target].pattern.template.clone();
        let unnamed = usize::from(head.tenant);
        let columns = (unnamed..=unnamed + position).collect();
        let to = Referred { table: target, key: (0..=unnamed + position).collect() };
        Some(Field {
            name: variable.clone(),
            json_name: json_name(variable),
            aliases: Vec::new(),
            number: 0,
            ty: Type::Text,
            storage: Storage::Template { template, columns, nullable: false, target: Some(to) },
            acyclic: false,
        })
    };
    above.filter_map(ancestor).collect()
}

/// The resources directly below one, by their collections.
pub(super) fn children(heads: &[Head], head: &Head) -> Vec<Child> {
    let shape = head.pattern.shape.as_str();
    let is_child = |other: &Head| other.package() == head.package() && other.pattern.parent_shape() == Some(shape);
    let below = heads.iter().enumerate().filter(|(_, other)| is_child(other));
    let keys = usize::from(head.tenant) + head.pattern.variables.len();
    below.map(|(table, other)| Child { name: other.pattern.collection.clone(), table, keys }).collect()
}

fn remedy(head: &Head, parent: &str, heads: &[Head]) -> String {
    let own = &head.pattern.source[parent.len()..];
    let mut of_package = heads.iter().filter(|other| other.package() == head.package());
    match of_package.find(|other| is_near(parent, &other.pattern.source)) {
        Some(meant) => format!("did you mean {}{own}?", meant.pattern.source),
        None => format!("declare a resource with that pattern, or write {}", own.trim_start_matches('/')),
    }
}

/// Whether one pattern is a misspelling of the other: each collection is near; what variables are called says nothing.
fn is_near(written: &str, known: &str) -> bool {
    let same_length = written.split('/').count() == known.split('/').count();
    let mut collections = written.split('/').zip(known.split('/')).step_by(2);
    same_length && collections.all(|(written, known)| nearest(written, [known]).is_some())
}
