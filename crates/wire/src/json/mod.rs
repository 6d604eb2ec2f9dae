//! JSON as text (RFC 8259): what both transcoders are made of.

pub(crate) mod base64;
pub(crate) mod keys;
pub(crate) mod number;
pub(crate) mod scanner;
pub(crate) mod text;
