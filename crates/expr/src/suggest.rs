//! The name that was meant, wherever a name is looked up and not found.

/// How many names are listed where none is near.
const MAX_LISTED: usize = 12;

/// Says what to write instead of a name that is not there: the nearest of those that may stand there, else what there is
/// (`its fields are`). Nothing where there is none.
pub fn suggest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>, there_are: &str) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(written, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("{there_are} {}", listed(&known))),
    }
}

/// Finds the name nearest to what was written, if it is near enough to be meant. Capitals, underscores and hyphens count
/// for nothing, so that `createTime` is `create_time`.
pub fn nearest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let squashed = squash(written);
    let length = squashed.chars().count();
    // One that is so much longer or shorter is not near: it need not be compared, and somebody may write thousands of letters.
    let alike =
        |name: &&str| name.chars().count().abs_diff(length) <= allowed(length) + name.matches(['_', '-']).count();
    let known = known.into_iter().filter(alike);
    let near = known.map(|name| (strsim::osa_distance(&squashed, &squash(name)), name)).min()?;
    (near.0 <= allowed(length)).then_some(near.1)
}

/// Joins names with commas; those that are too many are counted.
pub fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How many mistakes a name of that many characters may have.
fn allowed(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => (length / 4).min(4),
    }
}

fn squash(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_what_was_meant() {
        for (written, meant) in [
            ("stokc", "stock"),
            ("reed", "read"),
            ("REQUIERD", "REQUIRED"),
            ("patern", "pattern"),
            ("createTime", "create_time"),
            ("STOCK", "stock"),
            ("grössse", "grösse"),
        ] {
            assert_eq!(nearest(written, ["name", meant, "other"]), Some(meant), "{written}");
        }
    }

    #[test]
    fn what_is_far_or_short_is_not_guessed() {
        for written in ["colour", "b", "id", ""] {
            assert_eq!(nearest(written, ["stock", "a", "no"]), None, "{written}");
        }
    }

    #[test]
    fn where_nothing_is_near_it_is_said_what_there_is() {
        let names: Vec<String> = (10..30).map(|i| format!("field_{i}")).collect();
        let said = suggest("colour", names.iter().map(String::as_str), "its fields are").expect("there are fields");
        assert!(said.starts_with("its fields are field_10, ") && said.ends_with("field_21 and 8 more"), "{said}");
        assert_eq!(suggest("colour", [], "its fields are"), None);
    }
}
