//! Which fields go together in a oneof, before and now.

/// A field of a message that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member<'f> {
    pub name: &'f str,
    /// The oneof that it was in, and is.
    pub was: Option<&'f str>,
    pub now: Option<&'f str>,
}

/// Fields that came into a oneof, or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Regrouped {
    /// Its name now; if it is gone, as it was.
    pub oneof: String,
    /// Those that came or left, by their places.
    pub moved: Vec<usize>,
    /// All fields of it that were there before, by their places.
    pub members: Vec<usize>,
    pub came: bool,
}

/// What became of the oneofs of a message. Names are no clients': a oneof is the one that its first field was in.
pub(crate) fn regrouped(fields: &[Member<'_>]) -> Vec<Regrouped> {
    let mut found = Vec::new();
    for oneof in names(fields.iter().map(|field| field.now)) {
        let members = places(fields, |field| field.now == Some(oneof));
        let former = members.iter().find_map(|place| fields[*place].was);
        let moved: Vec<usize> =
            members.iter().copied().filter(|place| former.is_none() || fields[*place].was != former).collect();
        if !moved.is_empty() {
            found.push(Regrouped { oneof: oneof.to_owned(), moved, members, came: true });
        }
    }
    for oneof in names(fields.iter().map(|field| field.was)) {
        let members = places(fields, |field| field.was == Some(oneof));
        let latter = members.iter().find_map(|place| fields[*place].now);
        let moved: Vec<usize> =
            members.iter().copied().filter(|place| latter.is_none() || fields[*place].now != latter).collect();
        if !moved.is_empty() {
            let oneof = latter.unwrap_or(oneof).to_owned();
            found.push(Regrouped { oneof, moved, members, came: false });
        }
    }
    found
}

fn names<'f>(all: impl Iterator<Item = Option<&'f str>>) -> Vec<&'f str> {
    let mut names: Vec<&str> = Vec::new();
    for name in all.flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn places(fields: &[Member<'_>], is_it: impl Fn(&Member<'_>) -> bool) -> Vec<usize> {
    fields.iter().enumerate().filter(|(_, field)| is_it(field)).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a:x>y` was in x and is in y.
    fn told(fields: &str) -> Vec<String> {
        let fields: Vec<Member<'_>> = fields
            .split(' ')
            .map(|field| {
                let (name, groups) = field.split_once(':').unwrap();
                let (was, now) = groups.split_once('>').unwrap();
                let named = |group: &'static str| (!group.is_empty()).then_some(group);
                Member { name: leaked(name), was: named(leaked(was)), now: named(leaked(now)) }
            })
            .collect();
        let names = |places: &[usize]| places.iter().map(|place| fields[*place].name).collect::<Vec<_>>().join("");
        regrouped(&fields)
            .iter()
            .map(|it| {
                let sign = if it.came { '+' } else { '-' };
                format!("{}{sign}{} of {}", it.oneof, names(&it.moved), names(&it.members))
            })
            .collect()
    }

    fn leaked(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }

    #[test]
    fn a_oneof_is_known_by_its_fields() {
        for (fields, expected) in [
            ("a:> b:>", &[][..]),
            ("a:x>x b:x>x", &[]),
            ("a:x>y b:x>y", &[]),
            ("a:>x b:>x", &["x+ab of ab"]),
            ("a:x>x b:>x", &["x+b of ab"]),
            ("a:x> b:x>", &["x-ab of ab"]),
            ("a:x>x b:x>", &["x-b of ab"]),
            ("a:x>x b:x>y", &["x-b of ab"]),
            ("a:x>z b:y>z", &["z+b of ab"]),
            ("a:x>y b:y>x", &[]),
        ] {
            assert_eq!(told(fields), expected, "{fields}");
        }
    }
}
