//! `google.protobuf.FieldMask` in JSON: one string of camel-case paths, `"title,price.currencyCode"`.

/// The paths of a mask that is one text.
pub(crate) fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|path| !path.is_empty())
}

/// Turns a path into camel case; nothing where the way back would not lead to the same path.
pub(crate) fn to_camel(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut after_underscore = false;
    for c in path.chars() {
        match c {
            'A'..='Z' => return None,
            '_' if after_underscore => return None,
            '_' => after_underscore = true,
            'a'..='z' if after_underscore => {
                camel.push(c.to_ascii_uppercase());
                after_underscore = false;
            }
            _ if after_underscore => return None,
            _ => camel.push(c),
        }
    }
    (!after_underscore).then_some(camel)
}

/// Turns a camel-case path into the names of the contract; nothing where it holds an underscore.
pub(crate) fn to_snake(path: &str) -> Option<String> {
    let mut snake = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        match c {
            '_' => return None,
            'A'..='Z' => {
                snake.push('_');
                snake.push(c.to_ascii_lowercase());
            }
            _ => snake.push(c),
        }
    }
    Some(snake)
}
