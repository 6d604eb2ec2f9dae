//! Enum values by name: `State.CART`, `shop.v1.Order.State.CART`.

use std::sync::Arc;

use super::RuleScope;
use crate::problem::{Problem, ProblemKind};
use crate::schema::EnumType;

/// Finds the enum value that a dotted path names, by protobuf's scopes: within the record's message first, then within
/// each package around it, then as a full name; and, where that finds nothing, by the unique end of a full name.
pub(crate) fn enum_value(
    path: &[&str],
    scope: &RuleScope,
    span: std::ops::Range<usize>,
) -> Result<(Arc<EnumType>, i32), Problem> {
    let unknown = |message: String| Problem::new(span.clone(), ProblemKind::UnknownName, message);
    let Some((value, ty)) = path.split_last() else { return Err(unknown("a name is missing here".into())) };
    if ty.is_empty() {
        return Err(unknown(format!("nothing is named `{value}`"))
            .help("a rule may name auth, resource, old, new, now where they exist, and enum values as `State.CART`"));
    }
    let ty = ty.join(".");
    let Some(found) = find(&ty, scope) else {
        return Err(unknown(format!("nothing is named `{ty}`"))
            .help("a rule may name auth, resource, old, new, now where they exist, and enum values as `State.CART`"));
    };
    match found.number(value) {
        Some(number) => Ok((found.clone(), number)),
        None => Err(unknown(format!("the enum {} has no value `{value}`", found.name))
            .help(format!("its values are {}", found.names()))),
    }
}

fn find<'s>(ty: &str, scope: &'s RuleScope) -> Option<&'s Arc<EnumType>> {
    let exact = |name: &str| scope.enums.iter().find(|known| known.name == name);
    let record = scope.resource.as_ref().or(scope.new.as_ref()).or(scope.old.as_ref());
    let mut container = record.map_or("", |record| record.name.as_str());
    while !container.is_empty() {
        if let Some(found) = exact(&format!("{container}.{ty}")) {
            return Some(found);
        }
        container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
    let ends = |name: &str| name.strip_suffix(ty).is_some_and(|rest| rest.ends_with('.'));
    exact(ty).or_else(|| {
        let mut found = scope.enums.iter().filter(|known| ends(&known.name));
        let first = found.next()?;
        found.all(|other| other.name == first.name).then_some(first)
    })
}
