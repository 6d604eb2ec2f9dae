//! Enum values by name: `State.CART`, `shop.v1.Order.State.CART`.

use std::ops::Range;
use std::sync::Arc;

use super::RuleScope;
use crate::problem::{Problem, ProblemKind};
use crate::schema::EnumType;
use crate::suggest::nearest;

/// Finds the enum value that a dotted path names, by protobuf's scopes: within the record's message first, then within
/// each package around it, then as a full name; and, where that finds nothing, by the unique end of a full name. The spans
/// are those of the path's names.
pub(crate) fn enum_value(
    path: &[&str],
    scope: &RuleScope,
    spans: &[Range<usize>],
) -> Result<(Arc<EnumType>, i32), Problem> {
    let whole = spans.first().map_or(0, |first| first.start)..spans.last().map_or(0, |last| last.end);
    let unknown = |span: Range<usize>, message| Problem::new(span, ProblemKind::UnknownName, message);
    let Some((value, ty)) = path.split_last() else { return Err(unknown(whole, "a name is missing here".into())) };
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return Err(unknown(whole, "a name is missing here".into()));
    };
    if ty.is_empty() {
        return Err(unknown(whole, format!("nothing is named `{value}`")).help(instead(value, None, scope)));
    }
    let name = ty.join(".");
    let Some(found) = find(&name, scope) else {
        let near = nearest(path[0], roots(scope));
        // What begins almost like `resource` is meant to be a field of it, whatever comes after.
        let (span, name) = if near.is_some() { (first.clone(), path[0].to_owned()) } else { (whole, name) };
        return Err(unknown(span, format!("nothing is named `{name}`")).help(instead(&name, Some(value), scope)));
    };
    found.number(value).map(|number| (found.clone(), number)).ok_or_else(|| {
        let message = format!("the enum {} has no value `{value}`", found.name);
        unknown(last.clone(), message).maybe_help(found.suggest(value))
    })
}

/// Finds the resource whose message a dotted path names, by protobuf's scopes as an enum is found.
pub(crate) fn resource(path: &[&str], scope: &RuleScope) -> Option<usize> {
    let name = path.join(".");
    let exact = |name: &str| scope.records.iter().position(|record| record.name == name);
    let own = scope.resource.as_ref().or(scope.new.as_ref()).or(scope.old.as_ref());
    let mut container = own.map_or("", |record| record.name.as_str());
    while let Some((outer, _)) = container.rsplit_once('.') {
        container = outer;
        if let Some(found) = exact(&format!("{container}.{name}")) {
            return Some(found);
        }
    }
    exact(&name)
}

/// What a rule begins with in this scope.
fn roots(scope: &RuleScope) -> impl Iterator<Item = &str> {
    let records = [(scope.record_name(), &scope.resource), ("old", &scope.old), ("new", &scope.new)];
    let records = records.into_iter().filter(|(_, record)| record.is_some()).map(|(name, _)| name);
    let ancestors = [&scope.resource, &scope.old].into_iter().flatten().take(1).flat_map(|record| &record.ancestors);
    // A constraint knows nothing but what it is on.
    let always = ["auth", "now"].into_iter().filter(move |_| scope.called.is_none());
    always.chain(records).chain(ancestors.map(|ancestor| ancestor.name.as_str()))
}

/// What others call the caller.
const CALLERS: [&str; 9] =
    ["request", "user", "caller", "me", "principal", "identity", "session", "subject", "current_user"];

/// What to write instead of a name that nothing has: a root, an enum, a field with its record in front, or a text.
fn instead(name: &str, value: Option<&str>, scope: &RuleScope) -> String {
    let record = [(scope.record_name(), &scope.resource), ("new", &scope.new), ("old", &scope.old)];
    let record = record.into_iter().find_map(|(root, record)| Some((root, record.as_ref()?)));
    let enums = scope.enums.iter().map(|ty| ty.short_name());
    if let Some((root, record)) = record
        && record.field(name.split('.').next().unwrap_or(name)).is_some()
    {
        let value = value.map_or(String::new(), |value| format!(".{value}"));
        return format!("a field is named with its record: `{root}.{name}{value}`");
    }
    if let Some(near) = nearest(name, roots(scope).chain(enums).chain(["true", "false"])) {
        let value = value.filter(|_| !roots(scope).any(|root| root == near));
        return format!("did you mean `{near}{}`?", value.map_or(String::new(), |value| format!(".{value}")));
    }
    if CALLERS.contains(&name.split('.').next().unwrap_or(name)) && scope.called.is_none() {
        return "the caller is `auth`: `auth.uid`, `auth.email`, `auth.roles`".into();
    }
    let roots: Vec<&str> = roots(scope).collect();
    let text = if value.is_none() { format!(", and texts in quotes: '{name}'") } else { String::new() };
    format!("there are {}, enum values such as `State.CART`{text}", roots.join(", "))
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
