//! Finds its way in the text of a `.proto` file, as far as diagnostics need it: descriptors say where an option statement
//! is, but not where inside it a rule's third character is.

mod lexer;
mod literal;
mod option;

pub(crate) use lexer::{Token, TokenKind, tokens};
pub(crate) use literal::literal_offsets;
pub(crate) use option::{Content, Entry, Node, OptionText, Part, Statement, Step};
