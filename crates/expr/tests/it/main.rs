//! Rules, filters and orders: what they mean and what they refuse.

mod cel;
mod filter;
mod fixture;
mod fold;
mod help;
mod hostile;
mod oracle;
mod order;
mod program;
mod re2;
mod relations;
mod strategy;
