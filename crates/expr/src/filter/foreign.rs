//! What other languages write, and how a filter says it.

/// What to write in the place of a word that is an operator elsewhere.
pub(super) fn operator(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "and" | "&&" | "&" => "write `AND`",
        "or" | "||" | "|" => "write `OR`",
        "not" => "write `NOT`",
        "eq" => "write `=`",
        "ne" | "neq" => "write `!=`",
        "gt" => "write `>`",
        "ge" | "gte" => "write `>=`",
        "lt" => "write `<`",
        "le" | "lte" => "write `<=`",
        "like" | "ilike" | "matches" => "a star stands for the rest of a text: `field = \"abc*\"`",
        "in" => "write `field = a OR field = b`",
        "is" => "write `field = null`, or `field:*` for what is set",
        "between" => "write `field >= a AND field <= b`",
        _ => return None,
    })
}

/// What to write in the place of a function, by its name or that of a method.
pub(super) fn function(name: &str) -> Option<&'static str> {
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(match last.to_ascii_lowercase().as_str() {
        "startswith" | "starts_with" => "write `field = \"abc*\"`",
        "endswith" | "ends_with" => "write `field = \"*abc\"`",
        "contains" | "includes" => "write `field = \"*abc*\"` of a text, and `field:value` of a list",
        "has" | "exists" | "isset" | "defined" => "write `field:*`",
        _ => return None,
    })
}

/// What to write in the place of an operator that goes on where one of a filter has ended.
pub(super) fn longer(before: &str, next: Option<char>) -> Option<&'static str> {
    match (before.chars().next_back()?, next?) {
        ('=', '=') => Some("write one `=`"),
        ('<', '>') => Some("write `!=`"),
        ('=', '<') => Some("write `<=`"),
        ('=', '>') => Some("write `>=`"),
        _ => None,
    }
}
