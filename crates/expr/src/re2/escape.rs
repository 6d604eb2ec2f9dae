//! Escapes that stand for one character.

use super::PatternError;
use super::cursor::Cursor;

/// Reads `\n`, `\x{2603}`, `\.` and their like.
pub(super) fn escape(cursor: &mut Cursor<'_>) -> Result<u32, PatternError> {
    let start = cursor.at;
    cursor.eat("\\");
    let Some(c) = cursor.next() else {
        return Err(PatternError::new(start..cursor.at, "a single `\\` ends the pattern; a backslash is `\\\\`"));
    };
    let code = match c {
        '0' => octal(cursor, 0),
        // One digit alone would refer back to a group.
        '1'..='7' if cursor.rest().starts_with(|c: char| c.is_digit(8)) => octal(cursor, c.to_digit(8).unwrap_or(0)),
        '1'..='9' => None,
        'x' => hexadecimal(cursor),
        'a' => Some(7),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
        _ => None,
    };
    code.ok_or_else(|| {
        let range = start..cursor.at;
        let written = &cursor.source[range.clone()];
        let message = match c {
            '1'..='9' => format!("`{written}`: RE2 has no back-references"),
            'x' => format!("`{written}` is no character: write \\x and two hexadecimal digits, or \\x{{10FFFF}}"),
            _ => format!("RE2 knows no escape `{written}`"),
        };
        PatternError::new(range, message)
    })
}

/// Up to two more octal digits.
fn octal(cursor: &mut Cursor<'_>, first: u32) -> Option<u32> {
    let mut code = first;
    for _ in 0..2 {
        let Some(digit) = cursor.rest().chars().next().and_then(|c| c.to_digit(8)) else { break };
        cursor.next();
        code = code * 8 + digit;
    }
    Some(code)
}

/// Two digits, or any number of them in braces.
fn hexadecimal(cursor: &mut Cursor<'_>) -> Option<u32> {
    if !cursor.eat("{") {
        let high = cursor.next()?.to_digit(16)?;
        let low = cursor.next()?.to_digit(16)?;
        return Some(high * 16 + low);
    }
    let mut code = cursor.next()?.to_digit(16)?;
    loop {
        let c = cursor.next()?;
        if c == '}' {
            return Some(code);
        }
        code = code * 16 + c.to_digit(16)?;
        if code > u32::from(char::MAX) {
            return None;
        }
    }
}
