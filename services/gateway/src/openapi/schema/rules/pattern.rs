//! Regular expressions: those of `buf.validate` are RE2's, those of JSON Schema ECMA-262's.

/// Whether an RE2 expression means the same to every reader of JSON Schema (ECMA-262 with the flag `u`).
pub fn is_portable(pattern: &str) -> bool {
    if pattern.contains("[[:") || pattern.contains("(?i") || pattern.contains("(?P") {
        return false;
    }
    let mut characters = pattern.chars().peekable();
    let mut inside = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('-') if inside => {}
                Some(next) if "dDwWsSntrfv^$\\.*+?()[]{}|/".contains(next) => {}
                Some('b' | 'B') if !inside => {}
                _ => return false,
            },
            '(' if !inside && characters.peek() == Some(&'?') => {
                characters.next();
                if characters.next() != Some(':') {
                    return false;
                }
            }
            // Who reads classes of sets (the flag `v`) finds operators where others find two characters.
            '[' if inside => return false,
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
    }
    true
}

/// A text as an expression that matches nothing else.
pub fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if "^$\\.*+?()[]{}|/".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_given_where_it_means_the_same_everywhere() {
        for pattern in ["^[A-Z0-9-]{3,32}$", r"^\d+$", "a(?:b|c)", r"[\-x]", r"^\.[a-z]+\/$"] {
            assert!(is_portable(pattern), "{pattern}");
        }
        for pattern in ["(?i)a", r"\pL", r"\A", "[[:alpha:]]", r"a\-b", "(?P<n>a)", r"\Qa\E", r"\p{L}", "[[a]]"] {
            assert!(!is_portable(pattern), "{pattern}");
        }
        assert_eq!(escaped("a.b/c"), r"a\.b\/c");
    }
}
