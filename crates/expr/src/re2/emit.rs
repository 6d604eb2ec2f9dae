//! Writes a parsed pattern for the `regex` crate: in words that mean one thing only.

use std::fmt::Write as _;

use super::ast::{Class, Item, Look, Node};
use super::groups::Group;

/// How tightly what is written holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Between bars.
    Alternative,
    /// Beside others.
    Member,
    /// Under a repetition.
    Operand,
}

pub(super) fn emit(node: &Node) -> String {
    let mut out = String::new();
    write(node, Place::Alternative, &mut out);
    out
}

fn write(node: &Node, place: Place, out: &mut String) {
    match node {
        Node::Concat(nodes) | Node::Alternate(nodes) if nodes.len() == 1 => write(&nodes[0], place, out),
        Node::Concat(nodes) if nodes.is_empty() => out.push_str("(?:)"),
        Node::Concat(nodes) => grouped(place > Place::Member, out, |out| {
            nodes.iter().for_each(|node| write(node, Place::Member, out));
        }),
        Node::Alternate(nodes) => grouped(place > Place::Alternative, out, |out| {
            for (i, node) in nodes.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "|" });
                write(node, Place::Alternative, out);
            }
        }),
        Node::Repeat { node, min, max } => grouped(place > Place::Member, out, |out| {
            write(node, Place::Operand, out);
            let _ = match (min, max) {
                (0, None) => write!(out, "*"),
                (1, None) => write!(out, "+"),
                (0, Some(1)) => write!(out, "?"),
                (min, None) => write!(out, "{{{min},}}"),
                (min, Some(max)) => write!(out, "{{{min},{max}}}"),
            };
        }),
        Node::Literal { code, fold } => literal(*code, *fold, out),
        Node::Class(class) => write_class(class, out),
        Node::AnyButNewline => out.push_str(r"[^\x0a]"),
        Node::Any => out.push_str("(?s:.)"),
        Node::Byte => out.push_str("(?s-u:.)"),
        Node::Look(look) => out.push_str(match look {
            Look::TextBegin => r"\A",
            Look::TextEnd => r"\z",
            Look::LineBegin => "(?m:^)",
            Look::LineEnd => "(?m:$)",
            Look::WordBoundary => r"(?-u:\b)",
            Look::NoWordBoundary => r"(?-u:\B)",
        }),
    }
}

fn grouped(needed: bool, out: &mut String, inside: impl FnOnce(&mut String)) {
    out.push_str(if needed { "(?:" } else { "" });
    inside(out);
    out.push_str(if needed { ")" } else { "" });
}

fn literal(code: u32, fold: bool, out: &mut String) {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() && !fold => out.push(c),
        Some(_) if fold => {
            let _ = write!(out, r"(?i:\x{{{code:x}}})");
        }
        Some(_) => {
            let _ = write!(out, r"\x{{{code:x}}}");
        }
        // Half of a character, which is in no text.
        None => out.push_str(NONE),
    }
}

const NONE: &str = r"[^\x00-\x{10ffff}]";
const ALL: &str = r"[\x00-\x{10ffff}]";

fn write_class(class: &Class, out: &mut String) {
    let mut items = String::new();
    class.items.iter().for_each(|item| write_item(item, &mut items));
    let written = match (items.is_empty(), class.negated) {
        (true, false) => NONE.to_owned(),
        (true, true) => ALL.to_owned(),
        (false, negated) => format!("[{}{items}]", if negated { "^" } else { "" }),
    };
    grouped_fold(class.fold, &written, out);
}

fn grouped_fold(fold: bool, written: &str, out: &mut String) {
    let _ = if fold { write!(out, "(?i:{written})") } else { write!(out, "{written}") };
}

/// Writes what stands inside brackets; a negated group brings brackets of its own, so that the cases of a letter are
/// added before it is turned round, as RE2 does.
fn write_item(item: &Item, out: &mut String) {
    match item {
        Item::Range(low, high) => write_range(*low, *high, out),
        Item::Group { group: Group::Any, negated: false } => out.push_str(ALL),
        Item::Group { group: Group::Any, negated: true } => {}
        // Halves of characters are in no text.
        Item::Group { group: Group::Category("Cs"), negated } => out.push_str(if *negated { ALL } else { "" }),
        Item::Group { group, negated } => {
            out.push_str(if *negated { "[^" } else { "[" });
            match group {
                Group::Ascii(ranges) => {
                    ranges.iter().for_each(|(low, high)| write_range(u32::from(*low), u32::from(*high), out));
                }
                // RE2's `C` is without what is not assigned.
                Group::Category("C") => out.push_str(r"\p{gc=Cc}\p{gc=Cf}\p{gc=Co}"),
                Group::Category(name) => {
                    let _ = write!(out, r"\p{{gc={name}}}");
                }
                Group::Script(name) => {
                    let _ = write!(out, r"\p{{sc={name}}}");
                }
                Group::Any => out.push_str(ALL),
            }
            out.push(']');
        }
    }
}

/// Writes a range without the halves of characters in it.
fn write_range(low: u32, high: u32, out: &mut String) {
    for (low, high) in [(low, high.min(0xd7ff)), (low.max(0xe000), high)] {
        if low <= high {
            let _ = write!(out, r"\x{{{low:x}}}-\x{{{high:x}}}");
        }
    }
}
