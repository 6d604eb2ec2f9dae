//! A pattern in the words of PostgreSQL's advanced regular expressions.
//!
//! It is written from what the `regex` crate makes of the pattern, where classes are ranges of code points, cases are told
//! apart, and every place is one of six. PostgreSQL's own classes and places depend on its settings and are never used.

use std::fmt::Write as _;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

/// How often PostgreSQL repeats something at most.
const MAX_REPETITION: u32 = 255;
const WORD: &str = "[0-9A-Za-z_]";
/// No text has this character.
const NEVER: &str = r"\U00000000";

/// Writes the pattern; nothing where it asks for bytes that are no characters.
pub(super) fn written(pattern: &str) -> Option<String> {
    let hir = ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
    let mut out = String::new();
    write(&hir, &mut out)?;
    Some(out)
}

fn write(hir: &Hir, out: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).ok()?.chars().for_each(|c| character(c, out));
        }
        HirKind::Class(Class::Unicode(class)) => ranges(class, out),
        HirKind::Class(Class::Bytes(bytes)) => {
            let ascii = bytes.to_unicode_class()?;
            ranges(&ascii, out);
        }
        HirKind::Look(look) => out.push_str(&place(*look)?),
        HirKind::Repetition(repetition) => repeated(repetition, out)?,
        HirKind::Capture(capture) => grouped(&capture.sub, out)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| match part.kind() {
            HirKind::Alternation(_) => grouped(part, out),
            _ => write(part, out),
        })?,
        HirKind::Alternation(parts) => {
            for (i, part) in parts.iter().enumerate() {
                out.push_str(if i > 0 { "|" } else { "" });
                write(part, out)?;
            }
        }
    }
    Some(())
}

fn grouped(hir: &Hir, out: &mut String) -> Option<()> {
    out.push_str("(?:");
    write(hir, out)?;
    out.push(')');
    Some(())
}

fn character(c: char, out: &mut String) {
    let _ = if c.is_ascii_alphanumeric() { write!(out, "{c}") } else { write!(out, r"\U{:08x}", u32::from(c)) };
}

fn ranges(class: &ClassUnicode, out: &mut String) {
    if class.ranges().is_empty() {
        return out.push_str(NEVER);
    }
    out.push('[');
    for range in class.ranges() {
        let _ = write!(out, r"\U{:08x}-\U{:08x}", u32::from(range.start()), u32::from(range.end()));
    }
    out.push(']');
}

/// A place in the text: what stands before it and after it.
fn place(look: Look) -> Option<String> {
    Some(match look {
        Look::Start => r"\A".to_owned(),
        Look::End => r"\Z".to_owned(),
        Look::StartLF => r"(?:\A|(?<=\n))".to_owned(),
        Look::EndLF => r"(?:\Z|(?=\n))".to_owned(),
        Look::WordAscii => format!("(?:(?<={WORD})(?!{WORD})|(?<!{WORD})(?={WORD}))"),
        Look::WordAsciiNegate => format!("(?:(?<={WORD})(?={WORD})|(?<!{WORD})(?!{WORD}))"),
        _ => return None,
    })
}

/// Writes a repetition; one of more than PostgreSQL repeats as several, one after the other.
fn repeated(repetition: &Repetition, out: &mut String) -> Option<()> {
    let Repetition { min, max, sub, .. } = repetition;
    let mut one = String::new();
    grouped(sub, &mut one)?;
    out.push_str("(?:");
    let mut least = *min;
    while least > MAX_REPETITION {
        let _ = write!(out, "{one}{{{MAX_REPETITION}}}");
        least -= MAX_REPETITION;
    }
    match max {
        None => {
            let _ = write!(out, "{one}{{{least},}}");
        }
        Some(max) => {
            let _ = write!(out, "{one}{{{least}}}");
            let mut more = max - min;
            while more > 0 {
                let _ = write!(out, "{one}{{0,{}}}", more.min(MAX_REPETITION));
                more -= more.min(MAX_REPETITION);
            }
        }
    }
    out.push(')');
    Some(())
}
