//! What other languages write otherwise: looked for only where a rule does not parse.

use crate::problem::{Problem, ProblemKind};

/// What is written elsewhere, and what CEL writes.
const MARKS: [(&str, &str); 8] =
    [("===", "=="), ("!==", "!="), ("<>", "!="), ("=", "=="), ("=<", "<="), ("=>", ">="), ("&", "&&"), ("|", "||")];
const WORDS: [(&str, &str); 8] = [
    ("and", "&&"),
    ("or", "||"),
    ("not", "!"),
    ("is", "=="),
    ("like", "contains(…)"),
    ("between", "a <= x && x <= b"),
    ("if", "condition ? one : other"),
    ("contains", "text.contains('…')"),
];

/// The problem of each sign and word of another language, strings left out.
pub(crate) fn problems(source: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let length = match first {
            '\'' | '"' => literal(&source[at..]),
            '=' | '!' | '<' | '>' | '&' | '|' => run(source, at, |c| "=!<>&|".contains(c)),
            _ if is_word(first) => run(source, at, is_word),
            _ => first.len_utf8(),
        };
        let token = &source[at..at + length];
        let after_dot = source[..at].trim_end().ends_with('.');
        let called = source[at + length..].trim_start().starts_with('(');
        let mark = MARKS.iter().find(|(mark, _)| *mark == token);
        let word = WORDS.iter().find(|(word, _)| token.eq_ignore_ascii_case(word) && !after_dot);
        if let Some((_, instead)) = mark.or(word.filter(|_| !called || token.len() == 3 || token.len() == 2)) {
            let what = if mark.is_some() && token == "=" { "is no comparison in CEL" } else { "is not CEL" };
            let problem = Problem::new(at..at + length, ProblemKind::Syntax, format!("`{token}` {what}"));
            found.push(problem.help(format!("write `{instead}`")));
        }
        at += length;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(source: &str, at: usize, belongs: impl Fn(char) -> bool) -> usize {
    source[at..].find(|c| !belongs(c)).unwrap_or(source.len() - at)
}

/// The length of the string that the text begins with; of all of it where the string is not closed.
fn literal(text: &str) -> usize {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, quote)| quote);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if Some(c) == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}
