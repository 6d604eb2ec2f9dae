//! Character classes.

use super::PatternError;
use super::ast::{Class, Item};
use super::cursor::Cursor;
use super::escape::escape;
use super::groups::{perl, posix, unicode};

/// Reads `[…]`. In it `]` is a character where it is the first, `-` wherever it makes no range.
pub(super) fn bracketed(cursor: &mut Cursor<'_>, fold: bool) -> Result<Class, PatternError> {
    let start = cursor.at;
    cursor.eat("[");
    let mut class = Class { items: Vec::new(), negated: cursor.eat("^"), fold };
    let mut first = true;
    while !cursor.is_done() && (first || !cursor.sees("]")) {
        first = false;
        let item = match group(cursor)? {
            Some(item) => item,
            None => range(cursor)?,
        };
        class.items.push(item);
    }
    if cursor.eat("]") { Ok(class) } else { Err(unclosed(cursor, start)) }
}

fn unclosed(cursor: &Cursor<'_>, start: usize) -> PatternError {
    PatternError::new(start..cursor.source.len(), "the class is not closed: a `]` is missing")
}

fn group(cursor: &mut Cursor<'_>) -> Result<Option<Item>, PatternError> {
    if cursor.sees("[:")
        && let Some(length) = cursor.rest()[2..].find(":]")
    {
        let range = cursor.at..cursor.at + length + 4;
        let name = &cursor.source[range.start + 2..range.end - 2];
        let Some((group, negated)) = posix(name) else {
            return Err(PatternError::new(range, format!("RE2 knows no class `[:{name}:]`")));
        };
        cursor.at = range.end;
        return Ok(Some(Item::Group { group, negated }));
    }
    backslashed(cursor)
}

/// Reads `\d`, `\pN`, `\p{Greek}` and their like; nothing where another escape stands there.
pub(super) fn backslashed(cursor: &mut Cursor<'_>) -> Result<Option<Item>, PatternError> {
    let mut chars = cursor.rest().chars();
    let (Some('\\'), Some(letter)) = (chars.next(), chars.next()) else { return Ok(None) };
    if let Some((group, negated)) = perl(letter) {
        cursor.at += 2;
        return Ok(Some(Item::Group { group, negated }));
    }
    if letter != 'p' && letter != 'P' {
        return Ok(None);
    }
    let start = cursor.at;
    cursor.at += 2;
    let name = property(cursor, start)?;
    let (name, turned) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let Some(group) = unicode(name) else {
        let message = format!("RE2 knows no property `{name}`: general categories (L, Lu), scripts (Greek) and Any");
        return Err(PatternError::new(start..cursor.at, message));
    };
    Ok(Some(Item::Group { group, negated: (letter == 'P') != turned }))
}

fn property<'s>(cursor: &mut Cursor<'s>, start: usize) -> Result<&'s str, PatternError> {
    let source = cursor.source;
    let unfinished = PatternError::new(start..source.len(), "the name of a property is missing after `\\p`");
    let from = cursor.at;
    match cursor.next() {
        None => Err(unfinished),
        Some('{') => {
            let length = source[from + 1..].find('}').ok_or(unfinished)?;
            cursor.at = from + length + 2;
            Ok(&source[from + 1..from + 1 + length])
        }
        Some(_) => Ok(&source[from..cursor.at]),
    }
}

/// Reads `a` or `a-z`.
fn range(cursor: &mut Cursor<'_>) -> Result<Item, PatternError> {
    let start = cursor.at;
    let low = character(cursor)?;
    // `[a-]` is `a` or `-`.
    let ranges = cursor.sees("-") && cursor.rest().len() > 1 && !cursor.rest()[1..].starts_with(']');
    if !ranges {
        return Ok(Item::Range(low, low));
    }
    cursor.eat("-");
    let high = character(cursor)?;
    if high < low {
        return Err(PatternError::new(start..cursor.at, "the range ends before it begins"));
    }
    Ok(Item::Range(low, high))
}

fn character(cursor: &mut Cursor<'_>) -> Result<u32, PatternError> {
    if cursor.sees("\\") {
        return escape(cursor);
    }
    let start = cursor.at;
    cursor.next().map(u32::from).ok_or_else(|| unclosed(cursor, start))
}
